"""`penstock advise`: what a cluster's own past would have cost and kept under Penstock; nothing is installed."""

from pathlib import Path
from typing import Any

import click

from penstock.cli import options
from penstock.domain.errors import InvalidField
from penstock.domain.units import format_duration, parse_attainment, parse_duration


@click.command("advise")
@click.option("--prometheus", metavar="URL", help="Prometheus that scrapes the engines.")
@click.option("--days", type=click.FloatRange(1, 60), default=7.0, show_default=True, help="How far to look back.")
@click.option("--demo", is_flag=True, help="Judge three recorded days of a simulated fleet; needs nothing.")
@click.option("--ttft", default="2s", show_default=True, help="Target for the time to first token.")
@click.option("--tpot", default="100ms", show_default=True, help="Target for the mean time per output token after it.")
@click.option("--attainment", default="99.5%", show_default=True, help="Share of requests that must meet both.")
@click.option("--accelerator", metavar="NAME", help="Accelerator of the replicas, where no monitoring tells it.")
@click.option("--per-replica", type=options.Number(1, 1024), help="Accelerators of a replica, where nothing tells it.")
@click.option(
    "--price", "prices", multiple=True, metavar="NAME=PER_HOUR", help="Price of one accelerator; may be repeated."
)
@click.option("--startup", metavar="TIME", help="Time until a replica serves. (as measured, else 3m)")
@click.option(
    "--token-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Bearer token to send."
)
@click.option("--ca-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="CA of Prometheus.")
@click.option("--insecure-skip-verify", is_flag=True, help="Do not check the certificate of Prometheus.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of everything that chance decides.")
@click.option("--workers", type=options.Number(1, 1024), help="Processes; as many as there are cores by default.")
@click.option(
    "--out", default=Path("advise"), type=click.Path(path_type=Path), show_default=True, help="Folder of the report."
)
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", help="Shape of the answer.")
@options.no_color
def command(**given: Any) -> int:  # noqa: ANN401 - click hands over what the flags hold
    """Read what the engines' own metrics say of the last days, and tell what Penstock would have made of them.

    Demand is reconstructed and played through the simulator twice: with the replicas that ran, and with those that
    Penstock would have asked for. For every model: money per day, requests within the targets, the worst hours, and
    how sure that is. OUT has charts (advice.html), advice.md, advice.json, and objects.yaml to apply, which only
    recommends. Nothing is installed and nothing is changed.

    Exit code: 0 a model was judged, 2 usage, 3 Prometheus does not answer, 4 no model's history carries an answer.
    """
    if bool(given["prometheus"]) == given["demo"]:
        raise InvalidField("--prometheus", given["prometheus"] or "", "name Prometheus, or say --demo")
    settings = None if given["demo"] else _settings(given)
    with options.needing_local("penstock advise"):
        from penstock.wiring import advise  # noqa: PLC0415 - not before it is known to be there
    return advise.run(
        advise.Request(
            prometheus=settings,
            days=given["days"],
            wish=_wish(given),
            out=given["out"],
            output=given["output"],
            workers=given["workers"],
            no_color=given["no_color"],
        )
    )


def _settings(given: dict[str, Any]) -> Any:  # noqa: ANN401 - its module is loaded when needed
    from penstock.settings.parsers import url  # noqa: PLC0415 - so that --help answers at once
    from penstock.settings.prometheus import PrometheusSettings  # noqa: PLC0415 - as above

    return PrometheusSettings(
        url=url(given["prometheus"], "--prometheus"),
        ca_file=given["ca_file"],
        token_file=given["token_file"],
        insecure_skip_verify=given["insecure_skip_verify"],
    )


def _wish(given: dict[str, Any]) -> Any:  # noqa: ANN401 - as above
    from penstock.advise.wish import Wish  # noqa: PLC0415 - as above
    from penstock.domain.variants import Slo, SloSource  # noqa: PLC0415 - as above

    slo = Slo(
        ttft_s=_time(given["ttft"], "--ttft", 600.0),
        tpot_s=_time(given["tpot"], "--tpot", 600.0),
        attainment_ratio=parse_attainment(given["attainment"], "--attainment"),
        source=SloSource.SPEC,
    )
    return Wish(
        slo=slo,
        accelerator=given["accelerator"],
        count=given["per_replica"],
        prices={**Wish().prices, **dict(_price(text) for text in given["prices"])},
        startup_s=_time(given["startup"], "--startup", 3600.0) if given["startup"] else None,
        seed=given["seed"],
    )


def _time(text: str, field: str, most_s: float) -> float:
    """Return seconds, within the bounds that an object has."""
    seconds = parse_duration(text, field)
    if not 0 < seconds <= most_s:
        raise InvalidField(field, text, f"write more than 0s, and at most {format_duration(most_s)}")
    return seconds


def _price(text: str) -> tuple[str, float]:
    name, _, number = text.rpartition("=")
    try:
        price = float(number)
    except ValueError:
        price = -1.0
    if not name or not 0 < price < 1e6:
        raise InvalidField("--price", text, "write NAME=PER_HOUR, such as H100=7.52")
    return name, price
