"""Who is asking: workload identity from headers, and what each workload has done lately."""
