#!/bin/bash
# Run: the same check as Evaluate, without a grade.
# shellcheck source=/dev/null # checked by itself
. ./vpl_evaluate.sh
