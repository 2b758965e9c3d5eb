-- name: count_identity_rows
-- How many rows each table of identity holds.
SELECT (SELECT COUNT(*) FROM citizen) AS citizen_count,
    (SELECT COUNT(*) FROM identifier_lookup) AS lookup_count,
    (SELECT COUNT(*) FROM identifier) AS identifier_count,
    (SELECT COUNT(*) FROM demographic) AS demographic_count,
    (SELECT COUNT(*) FROM verification) AS verification_count;
