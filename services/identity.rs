//! Identity: the data behind every decision, and its administration.

mod client_settings;
mod convert;
mod escalation;
mod find;
mod list;
mod mask;
mod members;
mod own_factors;
mod own_passkeys;
mod terms;

mod add_group_member;
mod create_application;
mod create_credential;
mod create_group;
mod create_organization;
mod create_role;
mod create_user;
mod delete_application;
mod delete_group;
mod delete_passkey;
mod delete_role;
mod delete_user;
mod disable_mfa;
mod enable_factor;
mod end_session;
mod get_application;
mod get_group;
mod get_manifest;
mod get_mfa;
mod get_organization;
mod get_role;
mod get_user;
mod grant_application_role;
mod grant_group_role;
mod grant_user_role;
mod list_applications;
mod list_audit_events;
mod list_credentials;
mod list_grants;
mod list_groups;
mod list_mfa_policies;
mod list_organizations;
mod list_passkeys;
mod list_roles;
mod list_sessions;
mod list_signing_keys;
mod list_users;
mod publish_manifest;
mod reissue_recovery_codes;
mod remove_group_member;
mod rename_passkey;
mod reset_mfa;
mod reset_password;
mod revoke_application_role;
mod revoke_credential;
mod revoke_group_role;
mod revoke_user_role;
mod rotate_signing_keys;
mod send_mfa_proof;
mod set_mfa_policy;
mod set_preferred_factor;
mod set_up_factor;
mod update_application;
mod update_group;
mod update_organization;
mod update_password;
mod update_role;
mod update_user;
mod verify_factor;

use std::sync::Arc;

use gatepost_proto::identity::v1 as pb;
use pb::application_service_server::{ApplicationService, ApplicationServiceServer};
use pb::audit_service_server::{AuditService, AuditServiceServer};
use pb::group_service_server::{GroupService, GroupServiceServer};
use pb::manifest_service_server::{ManifestService, ManifestServiceServer};
use pb::mfa_service_server::{MfaService, MfaServiceServer};
use pb::organization_service_server::{OrganizationService, OrganizationServiceServer};
use pb::role_service_server::{RoleService, RoleServiceServer};
use pb::session_service_server::{SessionService, SessionServiceServer};
use pb::signing_key_service_server::{SigningKeyService, SigningKeyServiceServer};
use pb::user_service_server::{UserService, UserServiceServer};
use tonic::service::RoutesBuilder;

use crate::app::App;
use crate::run::{MESSAGE_BYTES_MAX, wire};

/// The services of this module; one type serves all ten contracts.
#[derive(Clone)]
struct Identity(Arc<App>);

/// Adds the services to the routes.
pub fn add_services(routes: &mut RoutesBuilder, app: &Arc<App>) {
    let identity = Identity(Arc::clone(app));
    routes
        .add_service(
            UserServiceServer::new(identity.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX),
        )
        .add_service(
            MfaServiceServer::new(identity.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX),
        )
        .add_service(
            GroupServiceServer::new(identity.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX),
        )
        .add_service(
            RoleServiceServer::new(identity.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX),
        )
        .add_service(
            SessionServiceServer::new(identity.clone())
                .max_decoding_message_size(MESSAGE_BYTES_MAX),
        )
        .add_service(
            ApplicationServiceServer::new(identity.clone())
                .max_decoding_message_size(MESSAGE_BYTES_MAX),
        )
        .add_service(
            OrganizationServiceServer::new(identity.clone())
                .max_decoding_message_size(MESSAGE_BYTES_MAX),
        )
        .add_service(
            ManifestServiceServer::new(identity.clone())
                .max_decoding_message_size(MESSAGE_BYTES_MAX),
        )
        .add_service(
            SigningKeyServiceServer::new(identity.clone())
                .max_decoding_message_size(MESSAGE_BYTES_MAX),
        )
        .add_service(
            AuditServiceServer::new(identity).max_decoding_message_size(MESSAGE_BYTES_MAX),
        );
}

wire!(UserService for Identity {
    run list_users(ListUsersRequest) -> ListUsersResponse;
    run_prepared create_user(CreateUserRequest) -> CreateUserResponse;
    run get_user(GetUserRequest) -> GetUserResponse;
    run update_user(UpdateUserRequest) -> UpdateUserResponse;
    run delete_user(DeleteUserRequest) -> DeleteUserResponse;
    run_prepared update_password(UpdatePasswordRequest) -> UpdatePasswordResponse;
    run_prepared reset_password(ResetPasswordRequest) -> ResetPasswordResponse;
});

wire!(MfaService for Identity {
    run get_mfa(GetMfaRequest) -> GetMfaResponse;
    run_prepared set_up_factor(SetUpFactorRequest) -> SetUpFactorResponse;
    run_whole verify_factor(VerifyFactorRequest) -> VerifyFactorResponse;
    run enable_factor(EnableFactorRequest) -> EnableFactorResponse;
    run_prepared send_mfa_proof(SendMfaProofRequest) -> SendMfaProofResponse;
    run_whole disable_mfa(DisableMfaRequest) -> DisableMfaResponse;
    run set_preferred_factor(SetPreferredFactorRequest) -> SetPreferredFactorResponse;
    run reissue_recovery_codes(ReissueRecoveryCodesRequest) -> ReissueRecoveryCodesResponse;
    run list_passkeys(ListPasskeysRequest) -> ListPasskeysResponse;
    run rename_passkey(RenamePasskeyRequest) -> RenamePasskeyResponse;
    run delete_passkey(DeletePasskeyRequest) -> DeletePasskeyResponse;
    run reset_mfa(ResetMfaRequest) -> ResetMfaResponse;
    run list_mfa_policies(ListMfaPoliciesRequest) -> ListMfaPoliciesResponse;
    run set_mfa_policy(SetMfaPolicyRequest) -> SetMfaPolicyResponse;
});

wire!(GroupService for Identity {
    run list_groups(ListGroupsRequest) -> ListGroupsResponse;
    run create_group(CreateGroupRequest) -> CreateGroupResponse;
    run get_group(GetGroupRequest) -> GetGroupResponse;
    run update_group(UpdateGroupRequest) -> UpdateGroupResponse;
    run delete_group(DeleteGroupRequest) -> DeleteGroupResponse;
    run add_group_member(AddGroupMemberRequest) -> AddGroupMemberResponse;
    run remove_group_member(RemoveGroupMemberRequest) -> RemoveGroupMemberResponse;
});

wire!(SessionService for Identity {
    run list_sessions(ListSessionsRequest) -> ListSessionsResponse;
    run end_session(EndSessionRequest) -> EndSessionResponse;
});

wire!(RoleService for Identity {
    run list_grants(ListGrantsRequest) -> ListGrantsResponse;
    run list_roles(ListRolesRequest) -> ListRolesResponse;
    run create_role(CreateRoleRequest) -> CreateRoleResponse;
    run get_role(GetRoleRequest) -> GetRoleResponse;
    run update_role(UpdateRoleRequest) -> UpdateRoleResponse;
    run delete_role(DeleteRoleRequest) -> DeleteRoleResponse;
    run grant_group_role(GrantGroupRoleRequest) -> GrantGroupRoleResponse;
    run revoke_group_role(RevokeGroupRoleRequest) -> RevokeGroupRoleResponse;
    run grant_user_role(GrantUserRoleRequest) -> GrantUserRoleResponse;
    run revoke_user_role(RevokeUserRoleRequest) -> RevokeUserRoleResponse;
    run grant_application_role(GrantApplicationRoleRequest) -> GrantApplicationRoleResponse;
    run revoke_application_role(RevokeApplicationRoleRequest) -> RevokeApplicationRoleResponse;
});

wire!(ApplicationService for Identity {
    run list_applications(ListApplicationsRequest) -> ListApplicationsResponse;
    run create_application(CreateApplicationRequest) -> CreateApplicationResponse;
    run get_application(GetApplicationRequest) -> GetApplicationResponse;
    run update_application(UpdateApplicationRequest) -> UpdateApplicationResponse;
    run delete_application(DeleteApplicationRequest) -> DeleteApplicationResponse;
    run list_credentials(ListCredentialsRequest) -> ListCredentialsResponse;
    run create_credential(CreateCredentialRequest) -> CreateCredentialResponse;
    run revoke_credential(RevokeCredentialRequest) -> RevokeCredentialResponse;
});

wire!(OrganizationService for Identity {
    run list_organizations(ListOrganizationsRequest) -> ListOrganizationsResponse;
    run_prepared create_organization(CreateOrganizationRequest) -> CreateOrganizationResponse;
    run get_organization(GetOrganizationRequest) -> GetOrganizationResponse;
    run update_organization(UpdateOrganizationRequest) -> UpdateOrganizationResponse;
});

wire!(SigningKeyService for Identity {
    run list_signing_keys(ListSigningKeysRequest) -> ListSigningKeysResponse;
    run_prepared rotate_signing_keys(RotateSigningKeysRequest) -> RotateSigningKeysResponse;
});

wire!(AuditService for Identity {
    run list_audit_events(ListAuditEventsRequest) -> ListAuditEventsResponse;
});

wire!(ManifestService for Identity {
    run_whole publish_manifest(PublishManifestRequest) -> PublishManifestResponse;
    run get_manifest(GetManifestRequest) -> GetManifestResponse;
});
