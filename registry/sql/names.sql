-- A public name belongs to one model or one alias. The advisory lock makes two transactions that take the same name wait for each other.
CREATE OR REPLACE FUNCTION registry_public_name() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('modelyard public name'), hashtext(NEW.name));
    IF TG_TABLE_NAME = 'registry_model' AND EXISTS (SELECT 1 FROM registry_alias WHERE name = NEW.name) THEN
        RAISE unique_violation USING MESSAGE = format('%s is already an alias', NEW.name), CONSTRAINT = 'one_public_name';
    ELSIF TG_TABLE_NAME = 'registry_alias' AND EXISTS (SELECT 1 FROM registry_model WHERE name = NEW.name) THEN
        RAISE unique_violation USING MESSAGE = format('%s is already a model', NEW.name), CONSTRAINT = 'one_public_name';
    END IF;
    RETURN NEW;
END
$$;

CREATE OR REPLACE TRIGGER registry_model_public_name BEFORE INSERT OR UPDATE OF name ON registry_model
    FOR EACH ROW EXECUTE FUNCTION registry_public_name();
CREATE OR REPLACE TRIGGER registry_alias_public_name BEFORE INSERT OR UPDATE OF name ON registry_alias
    FOR EACH ROW EXECUTE FUNCTION registry_public_name();
