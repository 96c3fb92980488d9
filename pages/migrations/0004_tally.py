"""How often two models met and how it ended, kept by a trigger, and what it is until now."""

from importlib.resources import files

from django.db import migrations, models

# Votes that are given meanwhile wait for the trigger's lock.
FILL = """
    INSERT INTO pages_tally (blind, first, second, halves, language, votes)
    SELECT blind, least(model_a, model_b), greatest(model_a, model_b),
        CASE WHEN vote IN ('tie', 'bad') THEN 1 WHEN (vote = 'a') = (model_a < model_b) THEN 2 ELSE 0 END,
        language, count(*)
    FROM pages_battle WHERE vote <> '' AND set_aside = '' GROUP BY 1, 2, 3, 4, 5
"""


def run_file(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(files("pages").joinpath("sql", "tally.sql").read_text(encoding="utf-8"))


class Migration(migrations.Migration):

    dependencies = [
        ('pages', '0003_what_a_link_shows'),
    ]

    operations = [
        migrations.CreateModel(
            name='Tally',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('blind', models.BooleanField()),
                ('first', models.CharField(help_text='The one whose name sorts first.', max_length=100)),
                ('second', models.CharField(max_length=100)),
                ('halves', models.PositiveSmallIntegerField(help_text='Halves of a win of the first: 2, 1 for a tie, or 0.')),
                ('language', models.CharField(blank=True, max_length=8)),
                ('votes', models.BigIntegerField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('blind', 'first', 'second', 'halves', 'language'), name='one_tally')],
            },
        ),
        migrations.RunPython(run_file, migrations.RunPython.noop),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
