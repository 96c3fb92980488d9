"""Under a model's form: a box to try it, and lines to copy for programs."""

from __future__ import annotations

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from registry.models import Model, Worker
from registry.states import WorkerState


def use_part(request: HttpRequest, model_id: int) -> SafeString | None:
    """None: there is no such model."""
    model = Model.objects.filter(pk=model_id).first()
    if model is None:
        return None
    capabilities = _capabilities(model)
    context = {
        "model": model,
        "base_url": request.build_absolute_uri("/v1"),
        "runs": bool(capabilities),
        "embeds": bool(capabilities) and "chat" not in capabilities,
        "may_add_key": request.user.has_perm("openai_api.add_apikey"),
    }
    return render_to_string("registry/use_model.html", context)


def _capabilities(model: Model) -> set[str]:
    """What its ready workers said that they can do; nothing while none is ready."""
    ready = Worker.objects.filter(deployment__model=model, state=WorkerState.READY)
    return {name for names in ready.values_list("capabilities", flat=True) for name in names}
