"""What can go wrong with a hub, each as a sentence with what to do next."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from inference.errors import LoadError
from inference.protocol.causes import Cause
from inference.protocol.model_id import HubModel

_WITH_A_KEY = "set HF_TOKEN in the environment of the process that starts the worker"
_OTHER_WAY = "Check the network and its proxy, or copy the model to this machine and give its path."


@contextmanager
def explained(model: HubModel, endpoint: str | None, cache: Path) -> Iterator[None]:
    """Turn what the hub's library raises into reasons. Its own texts stay out of them: some quote requests."""
    from httpx2 import HTTPError
    from huggingface_hub import constants
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError, RevisionResolutionError

    address = endpoint or constants.ENDPOINT
    try:
        yield
    except (LocalEntryNotFoundError, RevisionResolutionError) as error:
        raise _unreachable(address, error.__cause__ or error) from error
    except HFValidationError as error:
        raise LoadError(f"'{model.id}' cannot be a model's name.", Cause.OPTIONS, hint="Correct it.") from error
    except HTTPError as error:
        raise _refused(model, error, address) from error
    except OSError as error:
        raise _not_written(cache, error) from error


def _unreachable(address: str, error: BaseException) -> LoadError:
    status = getattr(getattr(error, "response", None), "status_code", None)
    how = f"answers with status {status}" if status else f"cannot be reached ({type(error).__name__})"
    return LoadError(f"The hub at {address} {how}.", Cause.DOWNLOAD, hint=_OTHER_WAY)


def _refused(model: HubModel, error: Any, address: str) -> LoadError:
    from huggingface_hub import errors

    status = error.response.status_code if isinstance(error, errors.HfHubHTTPError) else 0
    if isinstance(error, errors.GatedRepoError):
        hint = f"Accept its terms at {address}/{model.id}, and {_WITH_A_KEY}."
        return LoadError(
            f"The model '{model.id}' is gated, and this machine may not have it.", Cause.DOWNLOAD, hint=hint
        )
    if isinstance(error, errors.RevisionNotFoundError):
        reason = f"The model '{model.id}' has no revision '{model.revision}'."
        return LoadError(reason, Cause.DOWNLOAD, hint="Give one of its branches, tags or commits.")
    if isinstance(error, errors.RepositoryNotFoundError):
        reason = f"There is no folder '{model.id}' on this machine, and no model of this name at {address}."
        return LoadError(reason, Cause.DOWNLOAD, hint=f"Correct the name; if the model is private, {_WITH_A_KEY}.")
    if status in {401, 403}:
        reason = f"The hub at {address} refuses access to '{model.id}' (status {status})."
        return LoadError(reason, Cause.DOWNLOAD, hint=f"Is its token right? If not, {_WITH_A_KEY}.")
    return _unreachable(address, error)


def _not_written(cache: Path, error: OSError) -> LoadError:
    full = error.errno in {errno.ENOSPC, errno.EDQUOT}
    return LoadError(
        f"The model cannot be downloaded into {cache}: {error.strerror or error}.",
        Cause.DISK_FULL if full else Cause.DOWNLOAD,
        hint="Make room there, or set MODELYARD_CACHE_DIR to a folder that can be written.",
    )


def not_here(model: HubModel, cache: Path) -> LoadError:
    """Nothing may be downloaded, and it was not before."""
    reason = (
        f"The model '{model.id}' (revision {model.revision}) is not complete in {cache}, and the network is not used."
    )
    hint = "Allow it (unset HF_HUB_OFFLINE, leave out the option 'offline'), or give the path of a folder."
    return LoadError(reason, Cause.DOWNLOAD, hint=hint)
