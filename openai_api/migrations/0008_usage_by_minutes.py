"""Sums of usage by the minute, kept by a trigger, and what they were in the last hours."""

from importlib.resources import files

from django.db import migrations, models

# Only what a page still shows: a long table is not to keep an update waiting. Rows that come meanwhile wait for the
# trigger's lock.
FILL = """
    INSERT INTO openai_api_usageminute (minute, requests, failed, tokens_in, tokens_out)
    SELECT date_trunc('minute', began_at, 'UTC'), count(*), count(*) FILTER (WHERE status >= 400 AND status <> 499),
        sum(prompt_tokens), sum(completion_tokens)
    FROM openai_api_usage WHERE began_at >= date_trunc('minute', now() - interval '1 hour') GROUP BY 1
"""


def run_file(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(files("openai_api").joinpath("sql", "usage_minutes.sql").read_text(encoding="utf-8"))


class Migration(migrations.Migration):

    dependencies = [
        ('openai_api', '0007_changes_of_access_are_told'),
    ]

    operations = [
        migrations.CreateModel(
            name='UsageMinute',
            fields=[
                ('minute', models.DateTimeField(primary_key=True, serialize=False)),
                ('requests', models.BigIntegerField()),
                ('failed', models.BigIntegerField()),
                ('tokens_in', models.BigIntegerField()),
                ('tokens_out', models.BigIntegerField()),
            ],
        ),
        migrations.RunPython(run_file, migrations.RunPython.noop),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
