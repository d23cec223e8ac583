"""What users write: custom resources and ConfigMaps become domain values here, and the CRDs are generated from here."""
