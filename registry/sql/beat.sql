-- A worker's heartbeat: fenced by the launch id, proved by the launch's token, on the database's clock. It returns the
-- order, so the beat is the poll. Both functions run as their owner: the workers' login may call them, and read or write
-- nothing itself.

-- The whole report. NULL means superseded: the launch is unknown, has ended, or is somebody else's.
-- The pairs of states are those of registry/states.py; a test holds the two together.
CREATE OR REPLACE FUNCTION modelyard_beat(p_launch_id uuid, p_token text, p_report jsonb) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
    v_reported text := p_report->>'state';
    v_worker record;
    v_changed boolean;
BEGIN
    SELECT w.id, w.state, w.replica, w.deployment_id, w."order", d.name AS deployment, r.number AS revision
      INTO v_worker
      FROM registry_worker w
      JOIN registry_deployment d ON d.id = w.deployment_id
      JOIN registry_revision r ON r.id = w.revision_id
     WHERE w.launch_id = p_launch_id AND w.token_hash = encode(sha256(convert_to(p_token, 'UTF8')), 'hex')
       AND w.state IN ('STARTING', 'LOADING', 'READY', 'DRAINING')
       FOR UPDATE OF w;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;

    v_changed := (v_worker.state, v_reported) IN (
        ('STARTING', 'LOADING'), ('STARTING', 'READY'), ('STARTING', 'DRAINING'), ('STARTING', 'FAILED'),
        ('LOADING', 'READY'), ('LOADING', 'DRAINING'), ('LOADING', 'FAILED'),
        ('READY', 'DRAINING'), ('READY', 'FAILED'),
        ('DRAINING', 'FAILED'));

    UPDATE registry_worker SET
        heartbeat_at = v_now,
        state = CASE WHEN v_changed THEN v_reported ELSE state END,
        state_changed_at = CASE WHEN v_changed THEN v_now ELSE state_changed_at END,
        ready_at = CASE WHEN v_changed AND v_reported = 'READY' THEN v_now ELSE ready_at END,
        ended_at = CASE WHEN v_changed AND v_reported = 'FAILED' THEN v_now ELSE ended_at END,
        -- A draining worker keeps the reason of its order.
        reason = CASE WHEN v_changed AND v_reported <> 'DRAINING' THEN left(coalesce(p_report->>'reason', ''), 2000) ELSE reason END,
        cause = CASE WHEN v_changed AND v_reported = 'FAILED' THEN left(coalesce(p_report->>'cause', ''), 24) ELSE cause END,
        hint = CASE WHEN v_changed AND v_reported = 'FAILED' THEN left(coalesce(p_report->>'hint', ''), 2000) ELSE hint END,
        progress = least(100, greatest(0, coalesce((p_report->>'progress')::int, progress))),
        detail = left(coalesce(p_report->>'detail', detail), 200),
        address = left(coalesce(p_report->>'address', address), 255),
        capabilities = CASE WHEN p_report ? 'capabilities'
            THEN ARRAY(SELECT jsonb_array_elements_text(p_report->'capabilities')) ELSE capabilities END,
        context_length = coalesce((p_report->>'context_length')::int, context_length),
        capacity = coalesce((p_report->>'capacity')::int, capacity),
        in_flight = coalesce((p_report->>'in_flight')::int, in_flight),
        requests_total = coalesce((p_report->>'requests_total')::bigint, requests_total),
        tokens_total = coalesce((p_report->>'tokens_total')::bigint, tokens_total),
        tokens_per_second = coalesce((p_report->>'tokens_per_second')::float8, tokens_per_second),
        stalled_s = coalesce((p_report->>'stalled_s')::float8, 0),
        memory_bytes = coalesce((p_report->>'memory_bytes')::bigint, memory_bytes),
        memory_peak_bytes = coalesce((p_report->>'memory_peak_bytes')::bigint, memory_peak_bytes)
     WHERE id = v_worker.id;

    IF v_changed THEN
        -- Beats may be lost when the server crashes; what the timeline says may not.
        PERFORM set_config('synchronous_commit', 'on', true);
        INSERT INTO registry_event (actor, subject, reason, from_state, to_state, revision, deployment_id, worker_id)
        VALUES ('worker', v_worker.deployment || '/' || v_worker.replica, left(coalesce(p_report->>'reason', ''), 2000),
                v_worker.state, v_reported, v_worker.revision, v_worker.deployment_id, v_worker.id);
        PERFORM pg_notify('modelyard', 'worker');
    END IF;
    RETURN v_worker."order";
END
$$;

-- Nearly all beats: those of a worker that is what it was when it last said so. It sets no column that an index knows, so
-- that the row stays on its page (HOT), and it reads no JSON: that made a tenth of the price. NULL means: tell me all.
CREATE OR REPLACE FUNCTION modelyard_beat(
    p_launch_id uuid, p_token text, p_state text, p_in_flight bigint, p_requests_total bigint, p_tokens_total bigint,
    p_tokens_per_second float8, p_stalled_s float8, p_memory_bytes bigint, p_memory_peak_bytes bigint) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    v_order text;
BEGIN
    UPDATE registry_worker SET
        heartbeat_at = clock_timestamp(),
        in_flight = p_in_flight,
        requests_total = p_requests_total,
        tokens_total = p_tokens_total,
        tokens_per_second = p_tokens_per_second,
        stalled_s = p_stalled_s,
        memory_bytes = p_memory_bytes,
        memory_peak_bytes = p_memory_peak_bytes
     WHERE launch_id = p_launch_id AND token_hash = encode(sha256(convert_to(p_token, 'UTF8')), 'hex')
       AND state = p_state AND ended_at IS NULL
    RETURNING "order" INTO v_order;
    RETURN v_order;
END
$$;

-- Nobody's own schemas and temporary tables come before ours while they run as their owner.
DO $$ DECLARE f regprocedure; BEGIN
    FOR f IN SELECT oid FROM pg_proc WHERE proname = 'modelyard_beat' AND pronamespace = current_schema()::regnamespace LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, %I, pg_temp', f, current_schema());
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
    END LOOP;
END $$;
