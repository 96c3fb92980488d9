"""What each step does: who gets a token, whose prompt comes how much further, who has to wait, who gives way."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from inference.batching.blocks import ROOT, BlockPool
from inference.batching.track import Chunk, Track

# Prompt tokens whose logits are all wanted go in small chunks: they are a vocabulary wide.
SCORED_CHUNK = 64
# After memory ran out: as many full steps go well before one more sequence is tried.
CALM_STEPS = 500


@dataclass(frozen=True, slots=True)
class Work:
    """A sequence's part in a step."""

    track: Track
    chunk: Chunk


class Scheduler:
    """Sequences in order of arrival. Those that decode go first; what is left of a step's budget goes to prompts.

    When the cache is full the newest running sequence gives its blocks back and waits, in front of the others; it is
    computed again later. `most` bounds how many run at once: it is halved when memory runs out and grows back one by
    one while steps go well.
    """

    def __init__(self, pool: BlockPool, *, most: int) -> None:
        self.pool = pool
        self.most = self._ceiling = most
        # Steps that went well with as many sequences as are allowed.
        self._calm = 0
        self.running: list[Track] = []
        self.waiting: deque[Track] = deque()
        self.preempted = 0

    def add(self, track: Track) -> None:
        """Queue a sequence; it must fit into an empty cache."""
        self.waiting.append(track)

    def remove(self, track: Track) -> None:
        """Forget a sequence that has ended or was aborted, wherever it is."""
        if track in self.running:
            self.running.remove(track)
            self._give_back(track)
        elif track in self.waiting:
            self.waiting.remove(track)

    def plan(self, budget: int) -> list[Work]:
        """The next step, with at most `budget` tokens of prompts. Blocks for its tokens are allocated."""
        works = self._decode()
        left = self._prefill(budget, works)
        self._admit(left, works)
        if not works and self.running:
            self._make_progress(budget, works)
        return works

    def advance(self, work: Work) -> None:
        """Note that a work's tokens are in the cache now."""
        track = work.track
        track.computed += len(work.chunk.token_ids)
        if track.wants_prompt:
            track.scored = max(track.scored, track.computed)
        size = self.pool.size
        while (track.remembered + 1) * size <= track.computed:
            at = track.remembered
            tokens = track.tokens[at * size : (at + 1) * size]
            track.node = self.pool.remember(track.blocks[at], tokens, track.node)
            track.remembered += 1

    def shrink(self) -> None:
        """Let the newer half of the running sequences wait, and never run more than the rest at once."""
        keep = max(1, len(self.running) // 2)
        self.most = keep
        self._calm = 0
        while len(self.running) > keep:
            self._preempt(self.running[-1])

    def went_well(self) -> None:
        """Note that a step did not run out of memory; a full one counts towards running more at once again."""
        if self.most == self._ceiling or len(self.running) < self.most:
            return
        self._calm += 1
        if self._calm >= CALM_STEPS:
            self.most += 1
            self._calm = 0

    def _decode(self) -> list[Work]:
        decoding = [track for track in self.running if track.pending == 1]
        # Whoever was preempted for an older one is not running any more.
        return [Work(t, t.chunk(1)) for t in decoding if t in self.running and self._reserve(t)]

    def _prefill(self, budget: int, works: list[Work]) -> int:
        for track in self.running:
            if track.pending > 1:
                budget -= self._take_chunk(track, budget, works)
        return budget

    def _admit(self, budget: int, works: list[Work]) -> None:
        while budget > 0 and self.waiting and len(self.running) < self.most:
            track = self.waiting[0]
            match = self.pool.match(() if track.wants_prompt else track.tokens)
            fresh = self._blocks(len(track.tokens) + 1) - len(match.blocks) + self.pool.unheld(match.blocks)
            if self.running and fresh > self.pool.available - self._promised():
                return
            self.waiting.popleft()
            self.pool.hold(match.blocks)
            track.blocks, track.node = list(match.blocks), match.node
            track.remembered = len(match.blocks)
            track.computed = track.cached = track.remembered * self.pool.size
            self.running.append(track)
            budget -= self._take_chunk(track, budget, works)

    def _take_chunk(self, track: Track, budget: int, works: list[Work]) -> int:
        """Plan as much of a prompt as budget and free blocks allow; how many tokens that are."""
        room = (len(track.blocks) + self.pool.available) * self.pool.size - track.computed
        most = SCORED_CHUNK if track.wants_prompt else budget
        count = min(track.pending, budget, most, room)
        if count <= 0:
            return 0
        self._extend(track, count)
        works.append(Work(track, track.chunk(count)))
        return count

    def _make_progress(self, budget: int, works: list[Work]) -> None:
        """All that run are prompts and no block is free: the oldest goes on, the newest give way."""
        oldest = self.running[0]
        while not self._take_chunk(oldest, budget, works) and len(self.running) > 1:
            self._preempt(self.running[-1])

    def _reserve(self, track: Track) -> bool:
        """A place for a decoding sequence's next token; False when it had to give way itself."""
        while len(track.blocks) < self._blocks(track.computed + 1):
            if self.pool.available:
                self._extend(track, 1)
                continue
            newest = self.running[-1]
            self._preempt(newest)
            if newest is track:
                return False
        return True

    def _extend(self, track: Track, count: int) -> None:
        while len(track.blocks) < self._blocks(track.computed + count):
            block = self.pool.allocate()
            assert block is not None, "the caller has looked that there are enough"
            track.blocks.append(block)

    def _preempt(self, track: Track) -> None:
        self.running.remove(track)
        self._give_back(track)
        self.waiting.appendleft(track)
        self.preempted += 1

    def _give_back(self, track: Track) -> None:
        self.pool.release(track.blocks)
        track.blocks, track.node = [], ROOT
        track.computed = track.remembered = 0

    def _promised(self) -> int:
        """Blocks that the prompts which run already still need."""
        return sum(max(0, self._blocks(len(track.tokens)) - len(track.blocks)) for track in self.running)

    def _blocks(self, tokens: int) -> int:
        return -(-tokens // self.pool.size)
