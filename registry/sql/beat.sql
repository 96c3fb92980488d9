-- A worker's heartbeat: one narrow UPDATE on the database's clock, fenced by the launch id and proved by the launch's
-- token. It returns the order, so the beat is the poll. NULL means superseded: the launch is unknown, has ended, or is
-- somebody else's.
-- It runs as its owner: the workers' login may call this function and read or write nothing itself.
-- The pairs of states are those of registry/states.py; a test holds the two together.
CREATE OR REPLACE FUNCTION modelyard_beat(p_launch_id uuid, p_token text, p_report jsonb) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    v_reported text := p_report->>'state';
    v_id bigint;
    v_state text;
    v_order text;
    v_changed boolean;
BEGIN
    -- Most beats end with this statement. It sets no column that an index knows, so that the row stays on its page (HOT).
    UPDATE registry_worker SET
        heartbeat_at = clock_timestamp(),
        in_flight = coalesce((p_report->>'in_flight')::int, in_flight),
        requests_total = coalesce((p_report->>'requests_total')::bigint, requests_total),
        tokens_total = coalesce((p_report->>'tokens_total')::bigint, tokens_total),
        tokens_per_second = coalesce((p_report->>'tokens_per_second')::float8, tokens_per_second),
        stalled_s = coalesce((p_report->>'stalled_s')::float8, 0),
        memory_bytes = coalesce((p_report->>'memory_bytes')::bigint, memory_bytes),
        memory_peak_bytes = coalesce((p_report->>'memory_peak_bytes')::bigint, memory_peak_bytes)
     WHERE launch_id = p_launch_id AND token_hash = encode(sha256(convert_to(p_token, 'UTF8')), 'hex')
       AND state IN ('STARTING', 'LOADING', 'READY', 'DRAINING')
    RETURNING id, state, "order" INTO v_id, v_state, v_order;
    IF NOT FOUND THEN
        RETURN NULL;
    ELSIF v_state = v_reported AND v_state <> 'LOADING' THEN
        RETURN v_order;
    END IF;

    v_changed := (v_state, v_reported) IN (
        ('STARTING', 'LOADING'), ('STARTING', 'READY'), ('STARTING', 'DRAINING'), ('STARTING', 'FAILED'),
        ('LOADING', 'READY'), ('LOADING', 'DRAINING'), ('LOADING', 'FAILED'),
        ('READY', 'DRAINING'), ('READY', 'FAILED'),
        ('DRAINING', 'FAILED'));
    UPDATE registry_worker SET
        progress = least(100, greatest(0, coalesce((p_report->>'progress')::int, progress))),
        detail = left(coalesce(p_report->>'detail', detail), 200),
        address = left(coalesce(p_report->>'address', address), 255),
        capabilities = CASE WHEN p_report ? 'capabilities'
            THEN ARRAY(SELECT jsonb_array_elements_text(p_report->'capabilities')) ELSE capabilities END,
        context_length = coalesce((p_report->>'context_length')::int, context_length),
        state = CASE WHEN v_changed THEN v_reported ELSE state END,
        state_changed_at = CASE WHEN v_changed THEN heartbeat_at ELSE state_changed_at END,
        ready_at = CASE WHEN v_changed AND v_reported = 'READY' THEN heartbeat_at ELSE ready_at END,
        ended_at = CASE WHEN v_changed AND v_reported = 'FAILED' THEN heartbeat_at ELSE ended_at END,
        cause = CASE WHEN v_changed AND v_reported = 'FAILED' THEN left(coalesce(p_report->>'cause', ''), 24) ELSE cause END,
        hint = CASE WHEN v_changed AND v_reported = 'FAILED' THEN left(coalesce(p_report->>'hint', ''), 2000) ELSE hint END,
        -- A draining worker keeps the reason of its order.
        reason = CASE WHEN v_changed AND v_reported <> 'DRAINING' THEN left(coalesce(p_report->>'reason', ''), 2000) ELSE reason END
     WHERE id = v_id;
    IF v_changed THEN
        -- Beats may be lost when the server crashes; what the timeline says may not.
        PERFORM set_config('synchronous_commit', 'on', true);
        INSERT INTO registry_event (actor, subject, reason, from_state, to_state, revision, deployment_id, worker_id)
        SELECT 'worker', d.name || '/' || w.replica, left(coalesce(p_report->>'reason', ''), 2000),
               v_state, v_reported, r.number, d.id, w.id
          FROM registry_worker w
          JOIN registry_deployment d ON d.id = w.deployment_id
          JOIN registry_revision r ON r.id = w.revision_id
         WHERE w.id = v_id;
        PERFORM pg_notify('modelyard', 'worker');
    END IF;
    RETURN v_order;
END
$$;

-- Nobody's own schemas and temporary tables come before ours while it runs as its owner.
DO $$ BEGIN
    EXECUTE format('ALTER FUNCTION modelyard_beat(uuid, text, jsonb) SET search_path = pg_catalog, %I, pg_temp', current_schema());
END $$;
REVOKE ALL ON FUNCTION modelyard_beat(uuid, text, jsonb) FROM PUBLIC;
