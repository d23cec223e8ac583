"""What is supposed of an engine that has not been seen: names of GPUs and models, rows, profiles, data sheets."""

import pytest

from penstock.domain.variants import PerfProfile
from penstock.engine.gpus import FACTS, known
from penstock.engine.modelnames import ModelSize, size_of
from penstock.engine.priors import generic, prior
from penstock.engine.steptime import GPUS

LLAMA = "meta-llama/Llama-3.1-8B-Instruct"


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("H100", "H100"),
        ("NVIDIA-H100-80GB-HBM3", "H100"),
        ("nvidia-h100-mega-80gb", "H100"),
        ("NVIDIA-H100-PCIe", "H100-PCIE"),
        ("NVIDIA H100 NVL", "H100-NVL"),
        ("NVIDIA-H200", "H200"),
        ("NVIDIA-GH200-480GB", "GH200"),
        ("NVIDIA-A100-SXM4-80GB", "A100"),
        ("NVIDIA-A100-PCIE-40GB", "A100-40GB"),
        ("nvidia-tesla-a100", "A100-40GB"),
        ("nvidia-a100-80gb", "A100"),
        ("nvidia-l4", "L4"),
        ("NVIDIA-L40S", "L40S"),
        ("a10g", "A10G"),
        ("NVIDIA-RTX-PRO-6000-Blackwell-Server-Edition", "RTXPRO6000"),
        ("AMD_Instinct_MI300X_OAM", "MI300X"),
        ("Intel-Gaudi-2", "GAUDI2"),
        ("HL-325L", "GAUDI3"),
    ],
)
def test_an_accelerator_is_known_by_the_names_that_clusters_use(name: str, meant: str) -> None:
    assert known(name) == FACTS[meant]


@pytest.mark.parametrize("name", ["", "tpu-v5-lite", "NVIDIA-A100-SXM4-80GB-MIG-1g.10gb", "cpu"])
def test_strangers_and_slices_are_not_guessed(name: str) -> None:
    assert known(name) is None
    assert prior(name, 1, LLAMA) is None


@pytest.mark.parametrize(
    ("name", "size"),
    [
        (LLAMA, ModelSize(8, 8, 2)),
        ("llama-3-70b", ModelSize(70, 70, 2)),
        ("facebook/opt-125m", ModelSize(0.125, 0.125, 2)),
        ("Qwen/Qwen3-30B-A3B-FP8", ModelSize(30, 3, 1)),
        ("TheBloke/Llama-2-13B-AWQ", ModelSize(13, 13, 0.55)),
        ("Qwen/Qwen2.5-0.5B", ModelSize(0.5, 0.5, 2)),
        ("openai/gpt-oss-120b", ModelSize(117, 5.1, 0.55)),
        ("deepseek-ai/DeepSeek-R1", ModelSize(671, 37, 1)),
        ("deepseek-ai/DeepSeek-R1-Distill-Qwen-32B", ModelSize(32, 32, 2)),
        ("default", None),
        ("gpt-4", None),
    ],
)
def test_a_models_size_is_read_from_its_name(name: str, size: ModelSize | None) -> None:
    assert size_of(name) == size


def test_a_mixture_of_experts_reads_more_than_it_computes() -> None:
    size = size_of("mistralai/Mixtral-8x7B-Instruct-v0.1")

    assert size is not None
    assert size.parameters == pytest.approx(46.7, rel=0.02)  # model card
    assert size.active == pytest.approx(12.9, rel=0.02)


@pytest.mark.parametrize(
    ("accelerator", "count", "model", "row"),
    [
        ("NVIDIA-L40S", 1, LLAMA, "L40S"),
        ("H100", 1, LLAMA, "H100"),
        ("H100", 2, LLAMA, "H100-TP2"),
        ("H100", 2, "Qwen/Qwen3-32B", "H100-TP2-32B"),
    ],
)
def test_what_was_measured_is_taken_as_it_is(accelerator: str, count: int, model: str, row: str) -> None:
    found = prior(accelerator, count, model, max_num_seqs=64)

    assert found is not None
    assert found.shape.cost == GPUS[row]
    assert found.shape.max_num_seqs == 64
    assert found.doubt.decode < 0.2


def test_data_sheets_reach_a_measured_pair_within_a_third() -> None:
    """Llama 8B on two H100 and Qwen 32B on two, had they not been measured."""
    for model, row in (("llama-8.9b", "H100-TP2"), ("qwen-29b", "H100-TP2-32B")):
        found = prior("H100", 2, model)

        assert found is not None
        assert found.doubt.decode > 0.2
        assert found.shape.cost.d0_ms == pytest.approx(GPUS[row].d0_ms, rel=0.34)
        assert found.shape.cost.p1_ms == pytest.approx(GPUS[row].p1_ms, rel=0.34)


def test_a_model_that_does_not_fit_has_no_prior() -> None:
    assert prior("L4", 1, "llama-3-70b") is None


def test_a_larger_model_is_slower_and_leaves_less_cache() -> None:
    small, large = prior("H100", 1, "x-13b"), prior("H100", 1, "x-30b")

    assert small is not None
    assert large is not None
    assert small.shape.cost.d0_ms < large.shape.cost.d0_ms
    assert small.shape.cost.p1_ms < large.shape.cost.p1_ms
    assert small.shape.cost.kv_tokens > large.shape.cost.kv_tokens


def test_a_profile_gives_back_its_own_step_times() -> None:
    profile = PerfProfile(
        accelerator="L40S",
        accelerators_per_replica=1,
        max_batch=128,
        alpha_ms=20.58,
        beta_ms=0.41,
        gamma_ms=25.0,
        delta_ms=0.1,
    )

    found = prior(None, None, "default", profile)

    assert found is not None
    assert found.shape.max_num_seqs == 128
    assert found.shape.cost.step_s(0, 0.0, 10, 5000) == pytest.approx((20.58 + 0.41 * 10) / 1000)
    assert found.shape.cost.step_s(800, 640_000.0, 0, 0) == pytest.approx((25.0 + 0.1 * 800) / 1000)


def test_a_generic_engine_is_hardly_believed() -> None:
    assert generic().doubt.decode >= 1
    assert generic(max_num_seqs=4096).shape.token_budget == 4096
