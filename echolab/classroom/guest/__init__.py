"""What the classroom runs in the guest besides the checks: the building of a submission."""
