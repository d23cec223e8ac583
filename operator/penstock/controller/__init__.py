"""The operator process: kopf handlers, object cache, the scaling pass and the policy push."""
