"""B21, after TokenScale: replicas from token velocities of prefill and decode.

Source: Lai et al., "TokenScale: Timely and Accurate Autoscaling for Disaggregated LLM Serving with Token Velocity",
arXiv 2512.03416. Prefill velocity V_P is the input tokens a second that an instance can compute; decode velocity V_D of
a length bucket is the tokens (input and output) a second whose KV cache a decoder releases at the wanted TPOT. The
aggregated form here: one kind of instance does both, so that replicas = input tokens/s ÷ V_P plus Σ over buckets of
token rate ÷ V_D, as many as the paper's prefillers and decoders together; `joint` 0 takes the larger of both instead.
Left out: the network's velocity and convertible decoders, which exist only where prefill and decode are apart.
Favourable to it: velocities are exact (the simulator's own step cost), and the buckets of output length are those of
the requests that finished in the last five minutes where the paper predicts them.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from penstock.peers.profile import prefill_per_s
from penstock.peers.replicas import clamp, whole
from penstock.peers.rivals import Rival
from penstock.peers.split import per_variant
from penstock.peers.views import sole
from penstock.peers.windows import Delay, Meter
from penstock.sim.policies import Seen, Served
from penstock.sim.scene import Scene, VariantSpec

_WINDOW_S = 15.0
Bucket = tuple[int, int]


class TokenScale:
    """One variant's replicas from the token rates of its traffic."""

    tick_s = 5.0

    def __init__(self, scene: Scene, *, utilisation: float = 0.9, hold_s: float = 60.0, joint: float = 1.0) -> None:
        self._spec = sole(scene)
        self._tpot_s = scene.slo.tpot_s
        self._utilisation = utilisation
        self._held = Delay(hold_s)  # instances are not given back within a burst
        self._joint = bool(joint)
        self._requests = Meter(_WINDOW_S)
        self._tokens = Meter(_WINDOW_S)
        self._prefill = prefill_per_s(self._spec)
        self._decode: dict[Bucket, float] = {}
        self._shares: dict[Bucket, float] = {}
        self._sorted_at_s = -1.0

    def decide(self, seen: Seen) -> Mapping[str, int]:
        """Return the replicas; all stay while no request has finished yet."""
        requests = self._requests.per_s(seen.now_s, seen.router.arrived)
        tokens = self._tokens.per_s(seen.now_s, seen.router.arrived_input_tokens)
        if seen.observation.scrape.at_s > self._sorted_at_s:
            self._sorted_at_s = seen.observation.scrape.at_s
            self._shares = shares(seen.served)
        if not self._shares:
            return {}
        need = self._held.most(seen.now_s, self._replicas(requests, tokens))
        return {self._spec.name: clamp(need, self._spec)}

    def _replicas(self, requests: float, tokens: float) -> int:
        decode = sum(
            requests * part * sum(lengths(bucket)) / self._velocity(bucket) for bucket, part in self._shares.items()
        )
        prefill = tokens / self._prefill
        instances = prefill + decode if self._joint else max(prefill, decode)
        return whole(instances / self._utilisation)

    def _velocity(self, bucket: Bucket) -> float:
        if bucket not in self._decode:
            self._decode[bucket] = decode_velocity(self._spec, *lengths(bucket), self._tpot_s)
        return self._decode[bucket]


def decode_velocity(spec: VariantSpec, input_tokens: float, output_tokens: float, tpot_s: float) -> float:
    """Return the tokens a second that a decoder finishes, with the largest batch that TPOT and cache allow."""
    context = input_tokens + output_tokens / 2
    low, high = 1, max(1, min(spec.max_num_seqs, int(spec.cost.kv_tokens / context)))
    while low < high:
        middle = (low + high + 1) // 2
        within = spec.cost.step_s(0, 0.0, middle, int(middle * context)) <= tpot_s
        low, high = (middle, high) if within else (low, middle - 1)
    step_s = spec.cost.step_s(0, 0.0, low, int(low * context))
    return low / (output_tokens * step_s) * (input_tokens + output_tokens)


def bucket_of(request: Served) -> Bucket:
    """Return the powers of two that a request's lengths lie above."""
    return (request.input_tokens or 1).bit_length() - 1, (request.output_tokens or 1).bit_length() - 1


def lengths(bucket: Bucket) -> tuple[float, float]:
    """Return the lengths that stand for a bucket: its middle."""
    return 1.5 * 2.0 ** bucket[0], 1.5 * 2.0 ** bucket[1]


def shares(served: Sequence[Served]) -> dict[Bucket, float]:
    """Return the share of requests in each bucket."""
    counts = Counter(map(bucket_of, served))
    return {bucket: count / len(served) for bucket, count in sorted(counts.items())}


FAMILY: tuple[Rival, ...] = (
    Rival(
        code="B21",
        name="tokenscale-like",
        source="arXiv 2512.03416 (aggregated form)",
        defaults={"utilisation": 0.9, "hold_s": 60.0, "joint": 1.0},
        grid={"utilisation": (0.5, 0.6, 0.7, 0.8, 0.9), "hold_s": (60.0, 300.0), "joint": (0.0, 1.0)},
        build=per_variant(TokenScale),
    ),
)
