#!/usr/bin/env bash
# The build script of the exercise in Artemis. The student's files are in `assignment`, the
# result is test-reports/results.xml: enter test-reports/*.xml as the path of the results.
set -e
sh /opt/echolab/run artemis "${PWD}/assignment" "${PWD}/test-reports"
