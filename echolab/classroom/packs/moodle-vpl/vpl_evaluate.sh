#!/bin/bash
# Evaluate: a Virtual Programming Lab runs this first, and then vpl_execution, which it makes.
# Students see the comments and the grade that vpl_execution prints.
# shellcheck source=/dev/null # made by the Virtual Programming Lab
[ ! -f vpl_environment.sh ] || . ./vpl_environment.sh

tar -xzf echolab.tar.gz --one-top-level=.echolab
mkdir -p .submission
find . -type f -not -path './.*' -not -name 'vpl_*' -not -name echolab.tar.gz \
    -not -name common_script.sh -exec cp --parents -t .submission -- {} +

cat >vpl_execution <<EOF
#!/bin/bash
exec sh .echolab/run moodle-vpl .submission .results "${VPL_GRADEMAX:-100}"
EOF
chmod +x vpl_execution
