//! plimsoll renders a service's complete, checked Kubernetes bundle from one small profile.
