"""The printed form, column by column, and the same as JSON."""

from penstock.doctor.findings import Examination, Finding, Level, problems
from penstock.doctor.render import as_json, as_text

FOUND = Examination(
    "va/chat",
    "llm",
    (
        Finding(Level.OK, "target", "Deployment chat, 3 of 3 ready"),
        Finding(Level.FAIL, "model name", "pods report another", "kubectl patch"),
        Finding(Level.WARN, "bounds", "maxReplicas 2 is a default stored by WVA"),
        Finding(Level.SKIP, "series", "no pod answered"),
        Finding(Level.MISS, "monitors", "no right"),
    ),
)
WELL = Examination("wp/chat", "llm", (Finding(Level.OK, "target", "fine"),))


def text(*examinations: Examination, quiet: bool = False) -> str:
    return as_text(examinations, quiet=quiet, paint=lambda level: level.value)


def test_one_object_has_columns_and_remedies() -> None:
    assert text(FOUND) == (
        "ok    target      Deployment chat, 3 of 3 ready\n"
        "FAIL  model name  pods report another\n"
        "      fix: kubectl patch\n"
        "warn  bounds      maxReplicas 2 is a default stored by WVA\n"
        "skip  series      no pod answered\n"
        "miss  monitors    no right\n"
    )


def test_several_objects_have_headings() -> None:
    assert text(WELL, WELL) == "wp/chat -n llm\nok    target      fine\n\nwp/chat -n llm\nok    target      fine\n"


def test_quiet_leaves_out_what_is_well() -> None:
    assert text(WELL, quiet=True) == ""
    assert [line[:4] for line in text(FOUND, quiet=True).splitlines()] == ["FAIL", "    ", "warn", "miss"]


def test_json_holds_everything() -> None:
    body = as_json([FOUND, WELL])

    assert body["problems"] == problems([FOUND, WELL]) == 2
    assert body["examinations"][0]["about"] == "va/chat"
    assert body["examinations"][0]["findings"][1] == {
        "level": "FAIL", "check": "model name", "text": "pods report another", "fix": "kubectl patch",
    }  # fmt: skip
