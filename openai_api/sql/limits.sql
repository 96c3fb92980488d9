-- Limits, counted. openai_api/limits/arithmetic.py is the same arithmetic in Python; a test holds one to the other.
-- Counters are locked in the order of their ids and before any reservation, so that nobody waits in a circle.

-- What a bucket holds: it had `had` at `since`, and gets `cap` a minute up to `cap`. One that was never used is full.
CREATE OR REPLACE FUNCTION modelyard_refilled(had float8, since timestamptz, cap bigint, at timestamptz)
RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
    SELECT least(cap, had + greatest(0, extract(epoch FROM at - since)) * cap / 60.0)
$$;

-- One row for each thing that a limit counts: its cap, what remains, when all of it is back, and after how many seconds
-- a request of this size may come again (0: now; infinity: never).
CREATE OR REPLACE FUNCTION modelyard_measures(
    limits bigint[], requests int, tokens bigint, zone text, at timestamptz
) RETURNS TABLE (limit_id bigint, kind text, cap bigint, remaining float8, reset_s float8, wait_s float8)
LANGUAGE sql STABLE AS $$
    WITH clock AS (
        SELECT (at AT TIME ZONE zone)::date AS today,
            extract(epoch FROM (((at AT TIME ZONE zone)::date + 1)::timestamp AT TIME ZONE zone) - at)::float8 AS day_ends_s,
            extract(epoch FROM ((date_trunc('month', at AT TIME ZONE zone) + interval '1 month') AT TIME ZONE zone) - at)::float8
                AS month_ends_s
    ), used AS (
        SELECT l.*, clock.*,
            modelyard_refilled(c.requests_left, c.counted_at, l.requests_per_minute, at) AS requests_now,
            modelyard_refilled(c.tokens_left, c.counted_at, l.tokens_per_minute, at) AS tokens_now,
            CASE WHEN c.day = today THEN c.day_tokens ELSE 0 END AS day_now,
            CASE WHEN date_trunc('month', c.day) = date_trunc('month', today) THEN c.month_tokens ELSE 0 END AS month_now
        FROM openai_api_limit l JOIN openai_api_limitcounter c ON c.limit_id = l.id CROSS JOIN clock
        WHERE l.id = ANY(limits)
    ), measured (id, kind, cap, remaining, reset_s, need, again_s) AS (
        SELECT id, 'requests', requests_per_minute::bigint, requests_now,
            (requests_per_minute - requests_now) * 60.0 / nullif(requests_per_minute, 0), requests,
            (requests - requests_now) * 60.0 / nullif(requests_per_minute, 0) FROM used
        UNION ALL
        SELECT id, 'tokens', tokens_per_minute, tokens_now,
            (tokens_per_minute - tokens_now) * 60.0 / nullif(tokens_per_minute, 0), tokens,
            (tokens - tokens_now) * 60.0 / nullif(tokens_per_minute, 0) FROM used
        UNION ALL
        SELECT id, 'day', tokens_per_day, tokens_per_day - day_now, day_ends_s, tokens, day_ends_s FROM used
        UNION ALL
        SELECT id, 'month', tokens_per_month, tokens_per_month - month_now, month_ends_s, tokens, month_ends_s FROM used
        UNION ALL
        SELECT id, 'concurrent', concurrent::bigint, concurrent - (
            SELECT count(*) FROM openai_api_reservation r WHERE r.limit_id = used.id AND r.expires_at > at
        ), 1, requests, 1 FROM used WHERE concurrent IS NOT NULL
    )
    SELECT id, kind, cap, remaining::float8, coalesce(reset_s, 0)::float8,
        CASE WHEN need <= remaining OR need = 0 THEN 0 WHEN need > cap THEN 'infinity' ELSE again_s END::float8
    FROM measured WHERE cap IS NOT NULL ORDER BY id
$$;

-- Takes from the counters, or gives back what is negative. Windows count a request on the day on which it was made.
CREATE OR REPLACE FUNCTION modelyard_debit(
    limits bigint[], requests int, tokens bigint, zone text, made timestamptz, at timestamptz
) RETURNS void LANGUAGE sql AS $$
    WITH clock AS (SELECT (at AT TIME ZONE zone)::date AS today, (made AT TIME ZONE zone)::date AS that_day)
    UPDATE openai_api_limitcounter c SET
        counted_at = at,
        requests_left = least(l.requests_per_minute, coalesce(
            modelyard_refilled(c.requests_left, c.counted_at, l.requests_per_minute, at), l.requests_per_minute
        ) - requests),
        tokens_left = least(l.tokens_per_minute, coalesce(
            modelyard_refilled(c.tokens_left, c.counted_at, l.tokens_per_minute, at), l.tokens_per_minute
        ) - tokens),
        day = today,
        day_tokens = greatest(0, CASE WHEN c.day = today THEN c.day_tokens ELSE 0 END
            + CASE WHEN that_day = today THEN tokens ELSE 0 END),
        month_tokens = greatest(0,
            CASE WHEN date_trunc('month', c.day) = date_trunc('month', today) THEN c.month_tokens ELSE 0 END
            + CASE WHEN date_trunc('month', that_day) = date_trunc('month', today) THEN tokens ELSE 0 END)
    FROM openai_api_limit l, clock
    WHERE c.limit_id = l.id AND l.id = ANY(limits)
$$;

CREATE OR REPLACE FUNCTION modelyard_lock_counters(limits bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO openai_api_limitcounter (limit_id, day_tokens, month_tokens)
        SELECT l.id, 0, 0 FROM openai_api_limit l
        WHERE l.id = ANY(limits) AND NOT EXISTS (SELECT FROM openai_api_limitcounter c WHERE c.limit_id = l.id)
        ORDER BY l.id ON CONFLICT DO NOTHING;
    PERFORM FROM openai_api_limitcounter c WHERE c.limit_id = ANY(limits) ORDER BY c.limit_id FOR UPDATE;
END
$$;

-- All or nothing: when no row has to wait, all limits are debited and the call has its seats for `hold_s` seconds.
CREATE OR REPLACE FUNCTION modelyard_reserve(
    asked uuid, limits bigint[], wanted bigint, hold_s float8, zone text, at timestamptz DEFAULT NULL
) RETURNS TABLE (limit_id bigint, kind text, cap bigint, remaining float8, reset_s float8, wait_s float8)
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM modelyard_lock_counters(limits);
    -- Read under the locks: whoever waited for them must not count with a time before theirs.
    at := coalesce(at, clock_timestamp());
    IF EXISTS (SELECT FROM modelyard_measures(limits, 1, wanted, zone, at) m WHERE m.wait_s > 0) THEN
        RETURN QUERY SELECT * FROM modelyard_measures(limits, 1, wanted, zone, at);
        RETURN;
    END IF;
    PERFORM modelyard_debit(limits, 1, wanted, zone, at, at);
    INSERT INTO openai_api_reservation (call, limit_id, tokens, made_at, expires_at)
        SELECT asked, l.id, wanted, at, at + make_interval(secs => hold_s)
        FROM openai_api_limit l WHERE l.id = ANY(limits);
    RETURN QUERY SELECT * FROM modelyard_measures(limits, 0, 0, zone, at);
END
$$;

-- The call is over and took `used` tokens. Whether it was still to be settled: doing it twice changes nothing.
CREATE OR REPLACE FUNCTION modelyard_settle(
    asked uuid, used bigint, zone text, at timestamptz DEFAULT NULL
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    limits bigint[];
    reserved bigint;
    made timestamptz;
BEGIN
    PERFORM modelyard_lock_counters(ARRAY(SELECT r.limit_id FROM openai_api_reservation r WHERE r.call = asked));
    WITH gone AS (DELETE FROM openai_api_reservation r WHERE r.call = asked RETURNING r.*)
    SELECT array_agg(gone.limit_id), max(gone.tokens), min(gone.made_at) INTO limits, reserved, made FROM gone;
    IF limits IS NULL THEN
        RETURN false;
    END IF;
    PERFORM modelyard_debit(limits, 0, used - reserved, zone, made, coalesce(at, clock_timestamp()));
    RETURN true;
END
$$;

-- What was used while nobody could count it here.
CREATE OR REPLACE FUNCTION modelyard_owe(owing bigint, requests int, tokens bigint, zone text)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM modelyard_lock_counters(ARRAY[owing]);
    PERFORM modelyard_debit(ARRAY[owing], requests, tokens, zone, clock_timestamp(), clock_timestamp());
END
$$;

-- The web process lives and so do these calls. Rows of processes that died are cleared away after an hour.
CREATE OR REPLACE FUNCTION modelyard_renew(calls uuid[], hold_s float8) RETURNS void LANGUAGE sql AS $$
    DELETE FROM openai_api_reservation WHERE expires_at < clock_timestamp() - interval '1 hour' AND call <> ALL(calls);
    UPDATE openai_api_reservation SET expires_at = clock_timestamp() + make_interval(secs => hold_s)
        WHERE call = ANY(calls);
$$;

-- Workers have a login of their own, which may beat and nothing else. Nobody's own schemas and temporary tables come
-- before ours.
DO $$
DECLARE
    f regprocedure;
BEGIN
    FOR f IN
        SELECT oid FROM pg_proc
        WHERE pronamespace = current_schema()::regnamespace
            AND proname IN ('modelyard_refilled', 'modelyard_measures', 'modelyard_debit', 'modelyard_lock_counters',
                            'modelyard_reserve', 'modelyard_settle', 'modelyard_owe', 'modelyard_renew')
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, %I, pg_temp', f, current_schema());
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
    END LOOP;
END;
$$;
