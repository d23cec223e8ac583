"""What a policy of tests may look at: nothing but the time."""

from penstock.domain.catalogue import Catalogue
from penstock.domain.observations import Observation, Scrape
from penstock.sim.policies import RouterView, Seen

SEEN = Seen(
    now_s=0.0,
    observation=Observation(now_s=0.0, variants=(), targets={}, scrape=Scrape(at_s=0.0), catalogue=Catalogue()),
    router=RouterView(queued=0, in_flight={}, in_flight_tokens=0, arrived=0, arrived_input_tokens=0),
    fleet={},
    served=(),
)
