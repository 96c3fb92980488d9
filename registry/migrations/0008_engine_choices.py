"""Engines are listed in one place: their choices are no part of the schema any more."""

from __future__ import annotations

from django.db import migrations, models

import registry.models.deployment


class Migration(migrations.Migration):
    dependencies = [("registry", "0007_cheap_beats")]

    operations = [
        migrations.AlterField(
            model_name="deployment",
            name="engine",
            field=models.CharField(
                choices=registry.models.deployment.engine_choices, default="transformers", max_length=16
            ),
        )
    ]
