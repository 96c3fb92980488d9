"""A worker says how many requests it runs at once, so that the gateway keeps the others in its own line."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from django.db import migrations, models


def run_beat(apps: Any, schema_editor: Any) -> None:
    """The heartbeat's functions as they are now."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(files("registry").joinpath("sql", "beat.sql").read_text(encoding="utf-8"))


class Migration(migrations.Migration):
    dependencies = [("registry", "0008_engine_choices")]

    operations = [
        migrations.AddField(
            model_name="worker",
            name="capacity",
            field=models.IntegerField(help_text="How many requests it runs at once, the others waiting.", null=True),
        ),
        migrations.RunPython(run_beat, migrations.RunPython.noop),
    ]
