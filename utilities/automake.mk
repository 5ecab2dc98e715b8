# Copyright (c) 2026 The ovs-xenvif authors.
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at:
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

# Where xl and its relatives look for hotplug scripts.
xenscriptsdir = $(sysconfdir)/xen/scripts
dist_xenscripts_SCRIPTS = utilities/vif-xenvif

# What grants cost here.  It knows nothing of Open vSwitch.
sbin_PROGRAMS += utilities/xenvif-grant-cost
utilities_xenvif_grant_cost_CPPFLAGS = -D_GNU_SOURCE $(XEN_CFLAGS)
utilities_xenvif_grant_cost_CFLAGS = $(WARNING_CFLAGS) $(SANITIZER_CFLAGS)
utilities_xenvif_grant_cost_LDADD = $(XEN_LIBS)
utilities_xenvif_grant_cost_SOURCES = utilities/xenvif-grant-cost.c

# What xentop shows of other network interfaces.
dist_sbin_SCRIPTS = utilities/xenvif-top
