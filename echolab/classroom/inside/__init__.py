"""What the classroom runs in the guest beside the checks: the building of a submission."""
