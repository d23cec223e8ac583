"""The examples of README fit together: a variant's engine, the pool in front of it, and the pool's policy."""

from tests.samples import example

from penstock.settings.engine import read


def test_the_engine_is_what_the_variant_scales() -> None:
    engine, variant = example("engine.yaml"), example("va-2025.yaml")

    [container] = engine["spec"]["template"]["spec"]["containers"]
    command, *flags = container["args"]

    assert (engine["kind"], engine["metadata"]) == ("Deployment", {"name": "chat-a100", "namespace": "llm"})
    assert variant["metadata"]["name"] == engine["metadata"]["name"]
    assert command == "engine"
    assert read(flags, {}).model == variant["spec"]["modelID"]


def test_the_pool_has_the_engine_and_the_policy_has_the_pool() -> None:
    pool, labels = example("pool.yaml"), example("engine.yaml")["spec"]["template"]["metadata"]["labels"]

    assert pool["spec"]["selector"]["matchLabels"] == labels
    assert example("wp-minimal.yaml")["spec"]["targetRef"]["name"] == pool["metadata"]["name"]
