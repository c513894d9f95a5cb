#!/bin/bash
# Gradescope runs this once, as root, when it makes the image of the autograder.
set -eu
sh /autograder/source/echolab/setup
