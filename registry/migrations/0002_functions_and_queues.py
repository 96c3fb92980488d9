"""What lives in the database besides tables: the heartbeat, the guard of public names, and pgmq's schema."""

from importlib.resources import files

from django.db import migrations
from pgmq.install import get_embedded_install_sql


def run_file(name):
    sql = files("registry").joinpath("sql", name).read_text(encoding="utf-8")

    def run(apps, schema_editor):
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(sql)

    return run


def install_queues(apps, schema_editor):
    """pgmq as plain SQL, unless the database already has it (as an extension, or from elsewhere)."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT to_regnamespace('pgmq') IS NULL")
        if cursor.fetchone()[0]:
            cursor.execute(get_embedded_install_sql())


class Migration(migrations.Migration):
    dependencies = [("registry", "0001_initial")]

    operations = [
        migrations.RunPython(run_file("beat.sql"), migrations.RunPython.noop),
        migrations.RunPython(run_file("names.sql"), migrations.RunPython.noop),
        migrations.RunPython(install_queues, migrations.RunPython.noop),
    ]
