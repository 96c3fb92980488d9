-- Keeps how often two models met and how it ended, in the transaction that votes, sets a vote aside or deletes a battle,
-- so that the leaderboard reads a row for each pair instead of all battles. `first` is the one whose name sorts first.

CREATE OR REPLACE FUNCTION modelyard_tally(battle pages_battle, times int) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    turned bool := battle.model_b < battle.model_a;
    won int := CASE battle.vote WHEN 'a' THEN 2 WHEN 'b' THEN 0 ELSE 1 END;
BEGIN
    IF battle.vote = '' OR battle.set_aside <> '' THEN
        RETURN;
    END IF;
    INSERT INTO pages_tally AS known (blind, first, second, halves, language, votes)
    VALUES (battle.blind, least(battle.model_a, battle.model_b), greatest(battle.model_a, battle.model_b),
        CASE WHEN turned THEN 2 - won ELSE won END, battle.language, times)
    ON CONFLICT (blind, first, second, halves, language) DO UPDATE SET votes = known.votes + excluded.votes;
END $$;

CREATE OR REPLACE FUNCTION modelyard_tally_battle() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM public.modelyard_tally(OLD, -1);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM public.modelyard_tally(NEW, 1);
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER modelyard_tally_battle
AFTER INSERT OR DELETE OR UPDATE OF vote, set_aside, blind, language, model_a, model_b ON pages_battle
FOR EACH ROW EXECUTE FUNCTION modelyard_tally_battle();

-- Nobody but the owner of the tables calls it.
REVOKE ALL ON FUNCTION modelyard_tally(pages_battle, int) FROM PUBLIC;
