"""A heartbeat proves with the launch's token whose it is, and reports the kind of a failure."""

from importlib.resources import files

from django.db import migrations


def install_beat(apps, schema_editor):
    sql = files("registry").joinpath("sql", "beat.sql").read_text(encoding="utf-8")
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("DROP FUNCTION IF EXISTS modelyard_beat(uuid, jsonb)")
        cursor.execute(sql)


class Migration(migrations.Migration):
    dependencies = [("registry", "0004_log_bytes")]

    operations = [migrations.RunPython(install_beat, migrations.RunPython.noop)]
