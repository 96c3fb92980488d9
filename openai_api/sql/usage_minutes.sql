-- Keeps the sums of each minute beside the rows of usage, in the transaction that writes them: whoever writes a row, and
-- however late after the request began, the sums hold it, and a row that was there already is not counted twice.

CREATE OR REPLACE FUNCTION modelyard_sum_usage() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    -- In the order of the minutes, so that two processes never wait for each other in a circle.
    INSERT INTO openai_api_usageminute AS known (minute, requests, failed, tokens_in, tokens_out)
    SELECT date_trunc('minute', began_at, 'UTC') AS began, count(*),
        count(*) FILTER (WHERE status >= 400 AND status <> 499), sum(prompt_tokens), sum(completion_tokens)
    FROM fresh GROUP BY began ORDER BY began
    ON CONFLICT (minute) DO UPDATE SET requests = known.requests + excluded.requests,
        failed = known.failed + excluded.failed, tokens_in = known.tokens_in + excluded.tokens_in,
        tokens_out = known.tokens_out + excluded.tokens_out;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER modelyard_sum_usage AFTER INSERT ON openai_api_usage
REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION modelyard_sum_usage();
