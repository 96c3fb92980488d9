-- A worker that is placed has a node. A trigger and no CHECK, which Postgres would read anew for each heartbeat: that made
-- a sixth of its price.
CREATE OR REPLACE FUNCTION registry_placed_worker() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE check_violation USING MESSAGE = format('worker %s is %s without a node', NEW.id, NEW.state),
        CONSTRAINT = 'a_placed_worker_has_a_node';
END
$$;

CREATE OR REPLACE TRIGGER a_placed_worker_has_a_node AFTER INSERT OR UPDATE OF state, node_id ON registry_worker
    FOR EACH ROW WHEN (NEW.node_id IS NULL AND NEW.state IN ('PLACED', 'STARTING', 'LOADING', 'READY', 'DRAINING'))
    EXECUTE FUNCTION registry_placed_worker();
