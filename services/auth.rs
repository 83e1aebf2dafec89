//! Auth: the live side. Issues, refreshes and ends tokens, and tells callers who they are.

mod assertion;
mod back_channel;
mod begin_passkey_sign_in;
mod browser;
mod challenge;
mod change_password;
mod client;
mod enrol_mfa;
mod finish_passkey_sign_in;
mod forgot_password;
mod get_user_info;
mod introspect_token;
mod issue;
mod issue_token;
mod letters;
mod list_json_web_keys;
mod list_permissions;
mod logout;
mod own_sessions;
mod passkey_factor;
mod passkey_sign_in;
mod person;
mod redeem_code;
mod refresh_token;
mod reset_forgotten_password;
mod revoke_token;
mod send_mfa_code;
mod session;
mod verify_mfa;

use std::sync::Arc;

use gatepost_proto::auth::v1 as pb;
use gatepost_proto::auth::v1::auth_service_server::{AuthService, AuthServiceServer};

pub use assertion::ASSERTION_TYPE;
pub use back_channel::{BackChannel, ending, tell};
pub use browser::{Browser, Proven, end_session};
pub use challenge::{Challenged, remember};
pub use client::{Client, Clients};
pub use enrol_mfa::enrol;
pub use forgot_password::{Place, mail_link, require_on as require_forgot_password};
pub use introspect_token::{
    Asker, introspect, introspect_here, introspect_token, is_at_hand as is_known_token,
};
pub use issue::{About, Issued, Wish, client_actor, has, narrowed, person_scope};
pub use issue_token::{for_client, is_at_hand as is_known_machine, issue_token};
pub use letters::Language;
pub use own_sessions::OwnSession;
pub use passkey_factor::{Offer, offer as offer_passkey};
pub use redeem_code::{Redemption, redeem};
pub use refresh_token::{Turn, refresh};
pub use reset_forgotten_password::{is_good as is_good_link, reset_by_link};
pub use revoke_token::revoke;
pub use send_mfa_code::send;
pub use verify_mfa::{Met, meet};

use crate::app::App;
use crate::run::{MESSAGE_BYTES_MAX, wire};

/// The service.
struct Auth(Arc<App>);

/// The service, ready to be routed to.
pub fn service(app: Arc<App>) -> AuthServiceServer<impl AuthService> {
    AuthServiceServer::new(Auth(app)).max_decoding_message_size(MESSAGE_BYTES_MAX)
}

wire!(AuthService for Auth {
    run_public issue_token(IssueTokenRequest) -> IssueTokenResponse;
    run_public send_mfa_code(SendMfaCodeRequest) -> SendMfaCodeResponse;
    run_public enrol_mfa(EnrolMfaRequest) -> EnrolMfaResponse;
    run_public verify_mfa(VerifyMfaRequest) -> VerifyMfaResponse;
    run_public begin_passkey_sign_in(BeginPasskeySignInRequest) -> BeginPasskeySignInResponse;
    run_public finish_passkey_sign_in(FinishPasskeySignInRequest) -> FinishPasskeySignInResponse;
    run_public refresh_token(RefreshTokenRequest) -> RefreshTokenResponse;
    run_public logout(LogoutRequest) -> LogoutResponse;
    run_public forgot_password(ForgotPasswordRequest) -> ForgotPasswordResponse;
    run_public reset_forgotten_password(ResetForgottenPasswordRequest)
        -> ResetForgottenPasswordResponse;
    run_whole introspect_token(IntrospectTokenRequest) -> IntrospectTokenResponse;
    run revoke_token(RevokeTokenRequest) -> RevokeTokenResponse;
    run get_user_info(GetUserInfoRequest) -> GetUserInfoResponse;
    run list_permissions(ListPermissionsRequest) -> ListPermissionsResponse;
    run_public list_json_web_keys(ListJsonWebKeysRequest) -> ListJsonWebKeysResponse;
});
