"""The highest of each row, equal ones by the lower id: the same whatever the device and the other rows."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Numbers = NDArray[np.float32]
Pairs = tuple[tuple[int, float], ...]
# Columns a stretch: shorter ones make a closer bound.
_STRETCH = 64


def likeliest(rows: Tensor) -> Tensor:
    """The column of the highest, [rows], the first of equal ones; a NaN counts as the highest."""
    if rows.device.type == "cpu":
        # numpy looks at whole registers at once, torch at one number after the other.
        return torch.from_numpy(rows.float().numpy().argmax(-1))
    return rows.argmax(-1)


def highest(rows: Tensor, count: int) -> list[Pairs]:
    """The (column, value) of the `count` highest of each row of float32, [rows, vocabulary], descending."""
    if rows.device.type == "cpu":
        return [_highest_of_row(row, count) for row in rows.numpy()]
    return highest_by_sorting(rows, count)


def highest_by_sorting(rows: Tensor, count: int) -> list[Pairs]:
    """The same for devices that sort whole rows fast; their topk would take any of equal ones."""
    ordered = rows.sort(dim=-1, descending=True, stable=True)
    values, columns = ordered.values[:, :count].tolist(), ordered.indices[:, :count].tolist()
    return [tuple(zip(*pairs, strict=True)) for pairs in zip(columns, values, strict=True)]


def reached_by(row: Numbers, count: int) -> float:
    """A value that at least `count` numbers of a row reach, and not many more; -inf when there is none so simple."""
    end = len(row) // _STRETCH * _STRETCH
    if count > end // _STRETCH:
        return float("-inf")
    # The maxima of so many stretches do.
    maxima = torch.from_numpy(row[:end]).view(-1, _STRETCH).amax(-1).numpy()
    return float(np.partition(maxima, -count)[-count])


def _highest_of_row(row: Numbers, count: int) -> Pairs:
    columns = np.flatnonzero(row >= reached_by(row, count))
    columns = columns[np.argsort(-row[columns], kind="stable")[:count]]
    return tuple(zip(columns.tolist(), row[columns].tolist(), strict=True))
