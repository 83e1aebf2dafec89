//! Wires that other standards fix, as their own clients and real proxies call them.

mod authzen;
mod browser;
mod decisions;
mod envoy;
mod forward_auth;
mod oauth;
mod openid;
mod pages;
mod parties;
mod passkeys;
mod product;
mod proxies;
mod real_envoy;
mod shop;
mod step_up;
