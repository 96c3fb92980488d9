"""Whoever changes a key, a limit, a person or a membership, and however: the gateways are told when it is committed."""

from django.db import migrations

# What gateways keep of each table. Not the notes of when a key was used or a person logged in.
WATCHED = {
    "openai_api_apikey": (
        "name, secret_hash, user_id, group_id, parent_id, scopes, allowed_models, expires_at, revoked_at"
    ),
    "openai_api_limit": "",
    "auth_user": "username, is_active",
    "auth_user_groups": "",
}

TELL = """
    CREATE FUNCTION modelyard_tell() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_notify('modelyard', 'access');
        RETURN NULL;
    END
    $$
"""


def _trigger(table: str, columns: str) -> str:
    of = f" OF {columns}" if columns else ""
    return (
        f"CREATE TRIGGER modelyard_tell AFTER INSERT OR DELETE OR UPDATE{of} ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION modelyard_tell()"
    )


class Migration(migrations.Migration):

    dependencies = [
        ("openai_api", "0006_key_parent"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.RunSQL(TELL, "DROP FUNCTION modelyard_tell()"),
        *(
            migrations.RunSQL(_trigger(table, columns), f"DROP TRIGGER modelyard_tell ON {table}")
            for table, columns in WATCHED.items()
        ),
    ]
