"""Virtual time and recorded traffic; runs the pure rooms unchanged."""
