"""The Celery application: one queue for the control plane, one for each node."""

from __future__ import annotations

import os
import warnings

from celery import Celery
from celery.app.amqp import AMQP
from django.conf import settings

from modelyard.broker import PatientConnection

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "modelyard.settings")

# Celery warns of root because pickled messages could run anything; ours are JSON.
warnings.filterwarnings("ignore", message="You're running the worker with superuser privileges")


class Broker(AMQP):
    """Celery's way to its broker."""

    Connection = PatientConnection


app = Celery("modelyard", amqp=Broker)
app.conf.update(
    broker_url=settings.CELERY_BROKER_URL,
    broker_transport_options=settings.CELERY_BROKER_TRANSPORT_OPTIONS,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    task_ignore_result=True,
    task_default_queue="control",
    task_serializer="json",
    accept_content=["json"],
    worker_enable_remote_control=False,  # broken over pgmq, and rows are the truth
    worker_send_task_events=False,
    worker_hijack_root_logger=False,
    # Else Celery opens a connection for each task, which costs more than the task: a server process, its login and
    # its cold caches. Tasks close one that failed.
    CELERY_DB_REUSE_MAX=600,
    worker_prefetch_multiplier=1,
    timezone="UTC",
)
app.autodiscover_tasks(["registry"])
