"""A heartbeat costs Postgres little: fewer checks, room beside each row, and statistics that are not made anew by beats."""

from importlib.resources import files

import django.db.models.deletion
from django.db import migrations, models


# Half of each page is free for the next versions of its rows, so that these stay there (HOT) and are cleaned up in
# passing. Beats alone would call for an ANALYZE at every look of autovacuum, after which each worker's connection plans
# its statements anew.
STORAGE = """
    ALTER TABLE registry_worker SET (
        fillfactor = 50,
        autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 1000000
    )
"""


def run_files(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        for name in ("placed.sql", "beat.sql"):
            cursor.execute(files("registry").joinpath("sql", name).read_text(encoding="utf-8"))


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0006_event_indexes'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='worker',
            name='progress_is_a_percentage',
        ),
        migrations.RemoveConstraint(
            model_name='worker',
            name='a_placed_worker_has_a_node',
        ),
        migrations.AlterField(
            model_name='worker',
            name='deployment',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='workers', to='registry.deployment'),
        ),
        migrations.AlterField(
            model_name='worker',
            name='attempt',
            field=models.IntegerField(default=0, help_text="Failures before this launch, within the budget's window."),
        ),
        migrations.AlterField(
            model_name='worker',
            name='context_length',
            field=models.IntegerField(null=True),
        ),
        migrations.AlterField(
            model_name='worker',
            name='in_flight',
            field=models.IntegerField(default=0),
        ),
        migrations.AlterField(
            model_name='worker',
            name='memory_bytes',
            field=models.BigIntegerField(default=0),
        ),
        migrations.AlterField(
            model_name='worker',
            name='memory_peak_bytes',
            field=models.BigIntegerField(default=0),
        ),
        migrations.AlterField(
            model_name='worker',
            name='pid',
            field=models.IntegerField(null=True),
        ),
        migrations.AlterField(
            model_name='worker',
            name='progress',
            field=models.SmallIntegerField(default=0, help_text='Of loading, in percent.'),
        ),
        migrations.AlterField(
            model_name='worker',
            name='replica',
            field=models.SmallIntegerField(help_text="Which of the deployment's replicas this is, from 0."),
        ),
        migrations.AlterField(
            model_name='worker',
            name='requests_total',
            field=models.BigIntegerField(default=0),
        ),
        migrations.AlterField(
            model_name='worker',
            name='tokens_total',
            field=models.BigIntegerField(default=0),
        ),
        migrations.RunSQL(STORAGE, migrations.RunSQL.noop),
        migrations.RunPython(run_files, migrations.RunPython.noop),
    ]
