//! What the store promises, asked of `SQLite` and of `PostgreSQL` in the same words.
#![cfg(test)]

#[path = "../../../tests/servers/mod.rs"]
pub mod servers;

mod applications;
mod audit;
mod feed;
mod founding;
mod grants;
mod groups;
mod installation;
mod literals;
mod marks;
mod message_providers;
mod mfa;
mod organizations;
mod passkeys;
mod passwords;
mod revisions;
mod sessions;
mod sign_in;
mod users;
mod walls;
mod world;

/// Runs each case once on each engine.
macro_rules! on_both_engines {
    ($($module:ident: $($case:ident),+;)+) => {
        mod sqlite {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    super::$module::$case(super::world::World::sqlite().await).await;
                }
            )+)+
        }
        mod postgres {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    super::$module::$case(super::world::World::postgres().await).await;
                }
            )+)+
        }
    };
}

on_both_engines! {
    founding: replicas_found_once, founding_is_all_or_nothing, a_newer_schema_is_refused,
        migrating_again_changes_nothing, replicas_migrate_once,
        who_only_serves_need_not_migrate, an_unmigrated_database_is_told_apart;
    users: a_user_lives_and_goes, names_are_unique_in_an_organization, updates_replace,
        a_foreign_user_is_not_found, pages_and_walks_agree;
    passwords: so_many_former_passwords_are_kept, a_better_hash_replaces_what_was_checked,
        each_cost_is_told_once, hashes_from_before_costs_tell_theirs;
    grants: terms_are_replaced, a_grant_that_expired_is_not_held, expired_grants_go,
        grants_are_walked_by_holder, grants_from_before_terms_are_for_good;
    groups: members_come_and_go, deleting_a_group_leaves_no_edge, grants_need_both_ends,
        roles_of_an_organization_are_its_own;
    applications: an_application_lives, an_application_goes_with_all_it_has,
        client_ids_are_unique_everywhere;
    sessions: a_session_ends_once, ending_all_but_one, a_generation_is_used_once,
    what_is_within_a_session_ends_with_it, what_a_browser_has_open_is_handed_over,
        pruning_removes_what_means_nothing, answers_are_kept_once;
    installation: manifests_keep_role_ids, every_organization_sees_manifest_roles,
        keys_belong_to_the_system, keys_from_before_turns_sign;
    organizations: the_directory_and_the_organization_agree, an_organization_and_its_owner_are_one,
        only_the_system_writes_the_directory;
    revisions: parallel_writers_leave_no_gap, a_rollback_leaves_nothing,
        a_write_without_change_leaves_no_trace, a_touch_counts, readers_see_one_moment;
    feed: a_late_commit_is_not_skipped, facts_are_the_fold_of_all_changes, a_gap_is_no_answer,
        heads_tell_the_time, every_part_of_the_members_is_read;
    audit: the_chain_links, records_are_found, records_are_filtered,
        before_and_after_come_from_the_facts;
    sign_in: the_oldest_organization_comes_first, only_a_proved_address_signs_in,
        a_client_tells_its_organization, what_is_no_text_is_nobodys_name,
        failures_are_counted, failures_count_in_parallel;
    message_providers: a_link_is_before_the_default, a_provider_is_its_organizations_own,
        password_sign_in_is_on_until_it_is_put_off;
    passkeys: passkeys_are_one_factor, what_is_known_of_a_passkey_changes,
        a_credential_is_there_once_in_an_organization;
    marks: a_mark_is_set_once, marks_that_are_over_go, of_many_at_once_one_marks;
    mfa: a_challenge_is_tried_so_often, a_code_is_sent_so_often, a_step_is_used_once,
        a_recovery_code_is_used_once;
    literals: sql_text_is_a_literal;
}
