#!/bin/bash
# The causes that need a path of their own (network namespaces, a wire, firewalls): sections tcp, hello, capacity and local of
# causes.sh. As root only; REPEAT and ONLY as there.
exec bash "$(dirname "$0")/causes.sh" tcp hello capacity local
