"""What the limits count, and the functions that count it."""

from importlib.resources import files

import django.db.models.deletion
from django.db import migrations, models


def run_file(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(files("openai_api").joinpath("sql", "limits.sql").read_text(encoding="utf-8"))


class Migration(migrations.Migration):

    dependencies = [
        ('openai_api', '0002_access_limits_usage'),
    ]

    operations = [
        migrations.CreateModel(
            name='LimitCounter',
            fields=[
                ('limit', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='counter', serialize=False, to='openai_api.limit')),
                ('counted_at', models.DateTimeField(null=True)),
                ('requests_left', models.FloatField(null=True)),
                ('tokens_left', models.FloatField(null=True)),
                ('day', models.DateField(help_text="In the installation's time zone.", null=True)),
                ('day_tokens', models.BigIntegerField(default=0)),
                ('month_tokens', models.BigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name='Reservation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('call', models.UUIDField()),
                ('tokens', models.BigIntegerField()),
                ('made_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('limit', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='reservations', to='openai_api.limit')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('call', 'limit'), name='one_reservation_each')],
            },
        ),
        migrations.RunPython(run_file, migrations.RunPython.noop),
    ]
