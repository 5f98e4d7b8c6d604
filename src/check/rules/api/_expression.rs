//! CEL expressions in objects.

use crate::cel::{self, Env, Fault, Object, Type, Wanted, declared};
use crate::kube::KubernetesVersion;
use crate::validation::{At, Faults};

/// The environment of the expressions of admission policies and webhooks.
///
/// Restates `createEnvForOpts` of `k8s.io/apiserver/pkg/admission/plugin/cel`.
pub(super) fn admission<'s>(version: KubernetesVersion) -> Env<'s> {
    Env::new(version)
        .with("object", Type::Dyn)
        .with("oldObject", Type::Dyn)
        .with("request", of("kubernetes.AdmissionRequest"))
        .with("namespaceObject", of("kubernetes.Namespace"))
        .with("authorizer", Type::read("kubernetes.authorization.Authorizer"))
        .with("authorizer.requestResource", Type::read("kubernetes.authorization.ResourceCheck"))
}

/// The environment of device selectors.
///
/// Restates `k8s.io/dynamic-resource-allocation/cel`.
pub(super) fn device<'s>(version: KubernetesVersion) -> Env<'s> {
    Env::new(version).with("device", of("DRADevice")).binding()
}

fn of<'s>(name: &str) -> Type<'s> {
    declared(name).map_or(Type::Dyn, |declared| Type::Object(Object::Declared(declared)))
}

/// Validates an expression. Returns its type, which is `dyn` if it is invalid.
pub(super) fn check<'s>(faults: &mut Faults<'_, '_>, at: &At<'_, '_>, env: &Env<'s>, wanted: Wanted) -> Type<'s> {
    match cel::check(at.text(), env, wanted) {
        Ok(ty) => ty,
        Err(found) => {
            found.iter().for_each(|fault| report(faults, at, fault));
            Type::Dyn
        }
    }
}

/// Reports a fault at its position in the expression.
pub(super) fn report(faults: &mut Faults<'_, '_>, at: &At<'_, '_>, fault: &Fault) {
    faults.within(at, fault.at as usize, format!("invalid expression: {}", fault.message)).help(&*fault.help);
}
