"""The command `penstock`: finds the subcommand, turns errors into three lines and an exit code."""

import importlib
from collections.abc import Sequence
from typing import Final

import click

from penstock import __version__
from penstock.cli.faults import FINE, INTERRUPTED, USAGE, explain
from penstock.domain.errors import PenstockError

# name -> (module, sentence). Modules are loaded when asked for, so that `penstock engine` starts without kopf.
COMMANDS: Final = {
    "operator": ("penstock.cli.operator", "Run the operator: scaling pass and policy push, on a cluster."),
    "router": ("penstock.cli.router", "Run the endpoint picker that orders requests and chooses endpoints."),
    "local": ("penstock.cli.local", "Run engines, Envoy, router and scaling on this machine, without a cluster."),
    "engine": ("penstock.cli.engine", "Run an emulated vLLM server; takes the flags of llm-d-inference-sim."),
    "demo": ("penstock.cli.demo", "Drive the local world with a recorded trace for a minute and report."),
    "doctor": ("penstock.cli.doctor", "Find the broken link behind a variant or a policy, and what mends it."),
    "explain": (
        "penstock.cli.explain",
        "Tell why a variant has its replicas, what a policy is at its routers, where a request went.",
    ),
    "replay": ("penstock.cli.replay", "Decide recorded scaling passes again, and tell every bit that differs."),
    "what-if": ("penstock.cli.whatif", "Decide a recorded scaling pass again with its inputs changed."),
    "bench": ("penstock.cli.bench", "Compare replica decisions with those of other autoscalers, by simulation."),
    "simulate": ("penstock.cli.simulate", "Play traffic on a simulated fleet, and tell what decisions come to."),
    "advise": (
        "penstock.cli.advise",
        "Judge a cluster's own past: what it cost, and what Penstock would have made of it.",
    ),
    "crds": ("penstock.cli.crds", "Print the custom resource definitions."),
}


class _Lazy(click.Group):
    """A group that knows every subcommand's name and sentence without importing any of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            if ctx.resilient_parsing:  # the shell completes a line that is not whole
                return None
            raise click.NoSuchCommand(cmd_name, possibilities=COMMANDS, ctx=ctx)
        command = importlib.import_module(COMMANDS[cmd_name][0]).command
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, sentence) for name, (_, sentence) in COMMANDS.items()])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="penstock")
def root() -> None:
    """Decide which LLM request goes next and how many replicas of each model variant run, and say why."""


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; errors go to standard error as three lines."""
    try:
        code = root.main(args=list(arguments), prog_name="penstock", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return USAGE
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except (PenstockError, click.ClickException) as error:
        return _tell(error, arguments)
    except OSError as error:
        if error.filename is None:  # no path of the user's: a defect, whose trace is wanted
            raise
        return _tell(error, arguments)
    return code if isinstance(code, int) else FINE


def _tell(error: PenstockError | click.ClickException | OSError, arguments: Sequence[str]) -> int:
    command = next((word for word in arguments[:1] if word in COMMANDS), "")
    told = explain(error, f"penstock {command}".rstrip())
    click.echo(str(told), err=True)
    return told.status
