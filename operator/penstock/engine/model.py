"""One emulated engine under any clock: calls go in, events come out, and it tells when to look at it again.

Sans-IO: every method takes `now_s`, which never goes back. `advance` after `submit` lets a call start at once.
"""

from dataclasses import dataclass, field

from penstock.domain.errors import InvalidField
from penstock.engine.batch import StepBatch
from penstock.engine.calls import Call, Chance, Event, Gauges, Refusal
from penstock.engine.kv import BlockPool
from penstock.engine.latency import Latencies
from penstock.engine.slots import SlotBatch
from penstock.engine.steptime import StepCost
from penstock.engine.waiting import Adapters, WaitingQueue


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineConfig:
    """What an engine is. With a `step_cost` it batches as vLLM does, else as llm-d-inference-sim, by `latencies`.

    `kv_blocks` 0 models no KV cache, which only the latter can do.

    Raises:
        InvalidField: a limit below 1, or a token budget that cannot hold all decoding sequences.
    """

    max_num_seqs: int = 5
    max_waiting: int = 1000
    latencies: Latencies = field(default_factory=Latencies)
    step_cost: StepCost | None = None
    max_num_batched_tokens: int = 2048
    kv_blocks: int = 0
    block_tokens: int = 16
    by_priority: bool = False
    max_adapters: int = 1

    def __post_init__(self) -> None:
        for flag, value in (("max-num-seqs", self.max_num_seqs), ("block-size", self.block_tokens)):
            if value < 1:
                raise InvalidField(flag, value, "write 1 or more")
        if self.step_cost is None:
            return
        if self.kv_blocks < 1:
            raise InvalidField("kv-cache-size", self.kv_blocks, "write 1 or more")
        if self.max_num_batched_tokens < self.max_num_seqs:
            raise InvalidField("max-num-batched-tokens", self.max_num_batched_tokens, "write at least --max-num-seqs")


class EngineModel:
    """The engine. Every call that `submit` takes ends once: by `Finished`, or by `cancel`."""

    def __init__(self, config: EngineConfig, chance: Chance) -> None:
        self._config = config
        self._pool = BlockPool(config.kv_blocks, config.block_tokens) if config.kv_blocks else None
        self._waiting = WaitingQueue(by_priority=config.by_priority)
        self._adapters = Adapters(config.max_adapters)
        self._batch = self._build(chance)

    def _build(self, chance: Chance) -> SlotBatch | StepBatch:
        config, waiting, adapters = self._config, self._waiting, self._adapters
        if config.step_cost is None or self._pool is None:
            return SlotBatch(config.max_num_seqs, config.latencies, chance, waiting, adapters, self._pool)
        budget = config.max_num_batched_tokens
        return StepBatch(config.max_num_seqs, budget, config.step_cost, waiting, adapters, self._pool)

    def submit(self, call: Call, now_s: float) -> Refusal | None:
        """Take a call, or tell why not: more waiting than allowed, or more KV blocks than there are."""
        if self._pool is not None and self._blocks(call, self._pool) > self._pool.blocks:
            return Refusal.TOO_LONG
        free_slots = self._config.max_num_seqs - self._batch.running
        if len(self._waiting) - free_slots >= self._config.max_waiting:
            return Refusal.QUEUE_FULL
        self._waiting.add(call)
        self._batch.wake(now_s)
        return None

    def cancel(self, call_id: int, now_s: float) -> bool:
        """Forget a call, wherever it is; False if it is not here, for instance since it has finished."""
        waited = self._waiting.remove(call_id) is not None
        return self._batch.cancel(call_id, now_s) or waited

    def next_event_s(self) -> float | None:
        """Return when `advance` is due next; None while nothing can happen by itself."""
        return self._batch.next_event_s()

    def advance(self, now_s: float) -> list[Event]:
        """Let time pass and return what happened, in order, with the times at which it did."""
        return self._batch.advance(now_s)

    def use(self, latencies: Latencies) -> None:
        """Change the latencies for what is drawn from now on; without effect on step times."""
        if isinstance(self._batch, SlotBatch):
            self._batch.latencies = latencies

    def gauges(self) -> Gauges:
        """Return how the engine stands after the last `advance`."""
        return Gauges(
            running=self._batch.running,
            waiting=len(self._waiting),
            kv_usage_ratio=self._pool.held / self._pool.blocks if self._pool else 0.0,
            preemptions=self._batch.preemptions,
            prefix_query_tokens=self._batch.query_tokens,
            prefix_hit_tokens=self._batch.hit_tokens,
            running_adapters=self._adapters.running,
            waiting_adapters=self._waiting.adapters,
        )

    def _blocks(self, call: Call, pool: BlockPool) -> int:
        grown = 0 if isinstance(self._batch, SlotBatch) else call.output_tokens
        return pool.blocks_for(call.prompt_tokens + grown)
