"""The scheduler on its own: a model that only counts, and every rule checked in every step."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from inference.batching.blocks import BlockPool
from inference.batching.scheduler import CALM_STEPS, SCORED_CHUNK, Scheduler, Work
from inference.batching.track import Track

SIZE = 4


@dataclass
class Machine:
    """Runs sequences to their end; what is in the cache is written down by block, as a model would."""

    scheduler: Scheduler
    stored: dict[tuple[int, int], int] = field(default_factory=dict)
    wanted: dict[Track, int] = field(default_factory=dict)
    results: dict[Track, list[int]] = field(default_factory=dict)

    def add(self, tokens: list[int], answer: int, *, scored: bool = False) -> Track:
        track = Track(list(tokens), wants_prompt=scored)
        self.wanted[track] = len(tokens) + answer
        self.results[track] = []
        self.scheduler.add(track)
        return track

    def step(self, budget: int = 16) -> list[Work]:
        works = self.scheduler.plan(budget)
        for work in works:
            self._compute(work)
        for work in works:
            self.scheduler.advance(work)
            if work.track.pending == 0:
                self._answer(work.track)
        return works

    def run(self, budget: int = 16) -> int:
        steps = 0
        while self.scheduler.running or self.scheduler.waiting:
            assert self.step(budget), "nothing moves"
            steps += 1
            assert steps < 10_000
        return steps

    def _compute(self, work: Work) -> None:
        chunk = work.chunk
        for offset, token in enumerate(chunk.token_ids):
            at = chunk.start + offset
            self.stored[chunk.blocks[at // SIZE], at % SIZE] = token
        # All that the chunk attends to is what the sequence really says.
        seen = [self.stored[chunk.blocks[at // SIZE], at % SIZE] for at in range(chunk.start + len(chunk.token_ids))]
        assert seen == work.track.tokens[: len(seen)]
        self.results[work.track] += range(chunk.start + chunk.first_result, chunk.start + len(chunk.token_ids))

    def _answer(self, track: Track) -> None:
        if len(track.tokens) == self.wanted[track]:
            self.scheduler.remove(track)
        else:
            track.tokens.append(sum(track.tokens) % 7)


def machine(blocks: int = 64, *, most: int = 8, remembers: bool = True) -> Machine:
    return Machine(Scheduler(BlockPool(blocks, size=SIZE, remembers=remembers), most=most))


texts = st.lists(st.integers(0, 2), min_size=1, max_size=30)
requests = st.lists(st.tuples(texts, st.integers(1, 10), st.booleans()), min_size=1, max_size=12)


@settings(max_examples=150, deadline=None)
@given(requests, st.integers(10, 40), st.integers(1, 40), st.integers(1, 6))
def test_every_sequence_ends_with_its_own_tokens_however_little_cache_there_is(
    asked: list[tuple[list[int], int, bool]], blocks: int, budget: int, most: int
) -> None:
    one = machine(blocks, most=most)
    tracks = [one.add(tokens, answer, scored=scored) for tokens, answer, scored in asked]
    one.run(budget)
    for track, (tokens, answer, scored) in zip(tracks, asked, strict=True):
        assert len(track.tokens) == len(tokens) + answer
        first = 0 if scored else len(tokens) - 1
        assert one.results[track] == list(range(first, len(track.tokens)))
    assert one.scheduler.pool.held == 0


@settings(max_examples=100, deadline=None)
@given(requests, st.integers(10, 24), st.data())
def test_sequences_that_are_aborted_at_any_time_leave_no_block_behind(
    asked: list[tuple[list[int], int, bool]], blocks: int, data: st.DataObject
) -> None:
    one = machine(blocks)
    alive = [one.add(tokens, answer, scored=scored) for tokens, answer, scored in asked]
    while alive:
        one.step(data.draw(st.integers(1, 20)))
        gone = data.draw(st.sampled_from(alive))
        one.scheduler.remove(gone)
        alive = [track for track in alive if track is not gone]
    assert one.scheduler.pool.held == 0
    assert one.scheduler.pool.available == blocks


def test_a_step_gives_a_token_to_all_that_decode_and_the_rest_of_its_budget_to_prompts() -> None:
    one = machine()
    for _ in range(3):
        one.add([1], 20)
    one.step()
    one.add([2] * 30, 1)
    lengths = [len(work.chunk.token_ids) for work in one.step(budget=12)]
    assert lengths == [1, 1, 1, 12]
    assert [len(work.chunk.token_ids) for work in one.step(budget=5)] == [1, 1, 1, 5]


def test_a_beginning_that_was_computed_before_is_not_computed_again() -> None:
    one = machine()
    one.add(list(range(21)), 1)
    one.run()
    again = one.add(list(range(21)), 1)
    work = one.step()[0]
    assert (again.cached, work.chunk.start, len(work.chunk.token_ids)) == (20, 20, 1)


def test_the_last_token_of_a_prompt_is_always_computed() -> None:
    one = machine()
    one.add(list(range(20)), 1)
    one.run()
    assert one.add(list(range(20)), 1) is one.step()[0].track
    assert one.results[next(reversed(one.results))] == [19]


def test_without_memory_for_beginnings_nothing_is_found_again() -> None:
    one = machine(remembers=False)
    for _ in range(2):
        track = one.add(list(range(21)), 1)
        one.run()
        assert track.cached == 0


def test_beginnings_are_forgotten_when_their_place_is_needed_the_longest_unused_first() -> None:
    one = machine(blocks=10)
    for start in (0, 100):
        one.add(list(range(start, start + 16)), 1)
        one.run()
    one.add(list(range(200, 212)), 1)
    one.run()
    old = len(one.scheduler.pool.match(list(range(17))).blocks)
    newer = len(one.scheduler.pool.match(list(range(100, 117))).blocks)
    assert old < newer == 4


def test_who_came_first_is_computed_first_and_who_came_last_gives_way() -> None:
    one = machine(blocks=8, remembers=False)
    first, second = one.add([1] * 12, 12), one.add([2] * 12, 12)
    finished: list[Track] = []
    while one.scheduler.running or one.scheduler.waiting:
        before = [first, second]
        one.step()
        finished += [t for t in before if t not in one.scheduler.running and t not in one.scheduler.waiting]
    assert finished[0] is first
    assert one.scheduler.preempted >= 1


def test_prompts_whose_logits_are_all_wanted_come_in_small_chunks_and_from_the_beginning() -> None:
    one = machine()
    one.add([1] * 21, 1)
    one.run()
    scored = one.add([1] * (SCORED_CHUNK + 10), 1, scored=True)
    assert len(one.step(budget=512)[0].chunk.token_ids) == SCORED_CHUNK
    assert scored.cached == 0


def test_when_memory_runs_out_the_newer_half_waits() -> None:
    one = machine()
    tracks = [one.add([i], 20) for i in range(6)]
    one.step()
    one.scheduler.shrink()
    assert one.scheduler.running == tracks[:3]
    assert list(one.scheduler.waiting) == tracks[3:]
    assert one.scheduler.most == 3


def test_what_memory_forbade_is_tried_again_one_by_one_while_steps_go_well() -> None:
    one = machine()
    for i in range(6):
        one.add([i], 20)
    one.step()
    allowed = one.scheduler.most
    one.scheduler.shrink()
    for _ in range(CALM_STEPS - 1):
        one.scheduler.went_well()
    assert one.scheduler.most == 3
    one.scheduler.went_well()
    assert one.scheduler.most == 4
    # Steps that are not full show nothing about more sequences.
    for _ in range(3 * CALM_STEPS):
        one.scheduler.went_well()
    assert (len(one.scheduler.running), one.scheduler.most) == (3, 4)
    one.scheduler.most = allowed - 1
    one.scheduler.running += [one.add([i], 20) for i in range(allowed)]
    for _ in range(3 * CALM_STEPS):
        one.scheduler.went_well()
    assert one.scheduler.most == allowed
