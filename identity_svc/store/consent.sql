-- name: consent_survivor
-- The person a merged one was linked into.
SELECT survivor_id FROM citizen_link WHERE citizen_id = :citizen_id AND end_time IS NULL;

-- name: consent_members
-- Everybody who is linked into a person now.
SELECT member_id FROM citizen_member WHERE citizen_id = :citizen_id ORDER BY member_id LIMIT :page_size;

-- name: consent_links
-- Merges of a person into another one and of others into the person, undone ones too, newest first.
SELECT citizen_id, link_id, survivor_id, link_time, end_time FROM citizen_link
WHERE citizen_id = :citizen_id OR survivor_id = :citizen_id ORDER BY link_time DESC, link_id DESC LIMIT :page_size;

-- name: consent_add!
-- Keeps a consent.
INSERT INTO consent (
    citizen_id, consent_id, purpose, scopes, facility_code, text_id, text_version, text_language, text_hash, channel,
    given_as, giver_id, minor_agreed, evidence_reference, recorded_by, recorded_at_facility_code, grant_time,
    expire_time, withdraw_time, withdraw_channel, withdrawn_by, is_replaced
) VALUES (
    :citizen_id, :consent_id, :purpose, :scopes, :facility_code, :text_id, :text_version, :text_language, :text_hash,
    :channel, :given_as, :giver_id, :minor_agreed, :evidence_reference, :recorded_by, :recorded_at_facility_code,
    :grant_time, :expire_time, NULL, '', '', 0
);

-- name: consent_read
-- One consent.
SELECT citizen_id, consent_id, purpose, scopes, facility_code, text_id, text_version, text_language, text_hash, channel,
    given_as, giver_id, minor_agreed, evidence_reference, recorded_by, recorded_at_facility_code, grant_time,
    expire_time, withdraw_time, withdraw_channel, withdrawn_by, is_replaced
FROM consent WHERE citizen_id = :citizen_id AND consent_id = :consent_id;

-- name: consent_of_purpose
-- A person's consents for one purpose, newest first.
SELECT citizen_id, consent_id, purpose, scopes, facility_code, text_id, text_version, text_language, text_hash, channel,
    given_as, giver_id, minor_agreed, evidence_reference, recorded_by, recorded_at_facility_code, grant_time,
    expire_time, withdraw_time, withdraw_channel, withdrawn_by, is_replaced
FROM consent WHERE citizen_id = :citizen_id AND purpose = :purpose ORDER BY consent_id DESC LIMIT :page_size;

-- name: consent_page
-- A person's consents, newest first, behind the last of the page before.
SELECT citizen_id, consent_id, purpose, scopes, facility_code, text_id, text_version, text_language, text_hash, channel,
    given_as, giver_id, minor_agreed, evidence_reference, recorded_by, recorded_at_facility_code, grant_time,
    expire_time, withdraw_time, withdraw_channel, withdrawn_by, is_replaced
FROM consent WHERE citizen_id = :citizen_id AND consent_id < :before ORDER BY consent_id DESC LIMIT :page_size;

-- name: consent_end!
-- Ends a standing consent.
UPDATE consent SET withdraw_time = :withdraw_time, withdraw_channel = :withdraw_channel, withdrawn_by = :withdrawn_by,
    is_replaced = :is_replaced
WHERE citizen_id = :citizen_id AND consent_id = :consent_id AND withdraw_time IS NULL;

-- name: consent_add_delegation!
-- Keeps a delegation.
INSERT INTO delegation (
    citizen_id, delegation_id, kind, representative_id, relationship, actions, evidence_kind, evidence_reference,
    recorded_by, recorded_at_facility_code, start_time, end_time, revoke_time, revoked_by
) VALUES (
    :citizen_id, :delegation_id, :kind, :representative_id, :relationship, :actions, :evidence_kind,
    :evidence_reference, :recorded_by, :recorded_at_facility_code, :start_time, :end_time, NULL, ''
);

-- name: consent_add_representation!
-- Shows a delegation from the side of who acts.
INSERT INTO representation (citizen_id, delegation_id, represented_id)
VALUES (:citizen_id, :delegation_id, :represented_id);

-- name: consent_read_delegation
-- One delegation.
SELECT citizen_id, delegation_id, kind, representative_id, relationship, actions, evidence_kind, evidence_reference,
    recorded_by, recorded_at_facility_code, start_time, end_time, revoke_time, revoked_by
FROM delegation WHERE citizen_id = :citizen_id AND delegation_id = :delegation_id;

-- name: consent_delegations
-- Who may or might act for a person, newest first.
SELECT citizen_id, delegation_id, kind, representative_id, relationship, actions, evidence_kind, evidence_reference,
    recorded_by, recorded_at_facility_code, start_time, end_time, revoke_time, revoked_by
FROM delegation WHERE citizen_id = :citizen_id ORDER BY delegation_id DESC LIMIT :page_size;

-- name: consent_representations
-- For whom a person may or might act, newest first.
SELECT represented_id, delegation_id FROM representation
WHERE citizen_id = :citizen_id ORDER BY delegation_id DESC LIMIT :page_size;

-- name: consent_revoke_delegation!
-- Ends a standing delegation.
UPDATE delegation SET revoke_time = :revoke_time, revoked_by = :revoked_by
WHERE citizen_id = :citizen_id AND delegation_id = :delegation_id AND revoke_time IS NULL;

-- name: consent_add_proxy_code!
-- Keeps a proxy code.
INSERT INTO proxy_code (
    citizen_id, code_id, actions, facility_code, issuer_id, key_version, issue_time, expire_time, redeem_time,
    redeemed_by, redeemed_at_facility_code, bearer_id, visit_end_time, revoke_time
) VALUES (
    :citizen_id, :code_id, :actions, :facility_code, :issuer_id, :key_version, :issue_time, :expire_time, NULL,
    '', '', '', NULL, NULL
);

-- name: consent_add_proxy_lookup!
-- Points the id in a code at its citizen.
INSERT INTO proxy_code_lookup (code_id, citizen_id) VALUES (:code_id, :citizen_id);

-- name: consent_find_proxy_code
-- Whose a code is.
SELECT citizen_id FROM proxy_code_lookup WHERE code_id = :code_id;

-- name: consent_read_proxy_code
-- One proxy code.
SELECT citizen_id, code_id, actions, facility_code, issuer_id, key_version, issue_time, expire_time, redeem_time,
    redeemed_by, redeemed_at_facility_code, bearer_id, visit_end_time, revoke_time
FROM proxy_code WHERE citizen_id = :citizen_id AND code_id = :code_id;

-- name: consent_proxy_codes
-- A person's proxy codes, newest first.
SELECT citizen_id, code_id, actions, facility_code, issuer_id, key_version, issue_time, expire_time, redeem_time,
    redeemed_by, redeemed_at_facility_code, bearer_id, visit_end_time, revoke_time
FROM proxy_code WHERE citizen_id = :citizen_id ORDER BY issue_time DESC, code_id DESC LIMIT :page_size;

-- name: consent_redeem_proxy_code!
-- Burns a code: of many desks at one moment the database lets one through.
UPDATE proxy_code SET redeem_time = :redeem_time, redeemed_by = :redeemed_by,
    redeemed_at_facility_code = :redeemed_at_facility_code, bearer_id = :bearer_id, visit_end_time = :visit_end_time
WHERE citizen_id = :citizen_id AND code_id = :code_id AND redeem_time IS NULL AND revoke_time IS NULL
    AND expire_time > :redeem_time AND facility_code IN ('', :redeemed_at_facility_code);

-- name: consent_revoke_proxy_code!
-- Makes a code useless.
UPDATE proxy_code SET revoke_time = :revoke_time
WHERE citizen_id = :citizen_id AND code_id = :code_id AND revoke_time IS NULL;

-- name: consent_revoke_proxy_codes_of!
-- Makes the codes useless that a representative had made.
UPDATE proxy_code SET revoke_time = :revoke_time
WHERE citizen_id = :citizen_id AND issuer_id = :issuer_id AND revoke_time IS NULL;

-- name: consent_forget_requests!
-- Forgets link codes that are over and the earlier one of a sign-in.
DELETE FROM account_request WHERE expire_time <= :now OR subject_hash = :subject_hash;

-- name: consent_add_request!
-- Keeps a link code; changes no row where somebody else's is waiting under the same digits.
INSERT INTO account_request (code_hash, subject_hash, code_sealed, subject_sealed, expire_time)
VALUES (:code_hash, :subject_hash, :code_sealed, :subject_sealed, :expire_time) ON CONFLICT (code_hash) DO NOTHING;

-- name: consent_read_request
-- One waiting link code.
SELECT code_hash, subject_hash, code_sealed, subject_sealed, expire_time FROM account_request
WHERE code_hash = :code_hash AND expire_time > :now;

-- name: consent_drop_request!
-- Forgets a link code that was used.
DELETE FROM account_request WHERE code_hash = :code_hash;

-- name: consent_find_account
-- Whose a sign-in is.
SELECT citizen_id, account_id FROM account_lookup WHERE hash = :hash;

-- name: consent_claim_account!
-- Points a sign-in at a citizen unless it points at somebody already.
INSERT INTO account_lookup (hash, citizen_id, account_id) VALUES (:hash, :citizen_id, :account_id)
ON CONFLICT (hash) DO NOTHING;

-- name: consent_drop_account_lookup!
-- Parts a sign-in from its citizen.
DELETE FROM account_lookup WHERE hash = :hash AND account_id = :account_id;

-- name: consent_add_account!
-- Keeps a link.
INSERT INTO account (citizen_id, account_id, subject_sealed, linked_by, facility_code, link_time, unlink_time, unlinked_by)
VALUES (:citizen_id, :account_id, :subject_sealed, :linked_by, :facility_code, :link_time, NULL, '');

-- name: consent_read_account
-- One link.
SELECT citizen_id, account_id, subject_sealed, linked_by, facility_code, link_time, unlink_time, unlinked_by
FROM account WHERE citizen_id = :citizen_id AND account_id = :account_id;

-- name: consent_accounts
-- A person's links, newest first.
SELECT citizen_id, account_id, subject_sealed, linked_by, facility_code, link_time, unlink_time, unlinked_by
FROM account WHERE citizen_id = :citizen_id ORDER BY account_id DESC LIMIT :page_size;

-- name: consent_unlink_account!
-- Ends a link.
UPDATE account SET unlink_time = :unlink_time, unlinked_by = :unlinked_by
WHERE citizen_id = :citizen_id AND account_id = :account_id AND unlink_time IS NULL;
