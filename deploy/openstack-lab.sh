#!/bin/bash
# openstack-lab.sh install|up|down|wipe [DIR]: a real OpenStack (Zed, of Debian 12's packages) on loopback for tests.
#
# install  only installs the packages (225 MB are fetched, 1 GB is kept)
# up       installs what lacks, starts what does not run, waits until it is ready, prints the path of clouds.yaml
# down     stops it; what it knows is kept, so that the next up takes a minute
# wipe     stops it, and removes what it knows
#
# DIR is bin/openstack-lab by default; root is needed for the packages. Keystone, Glance, Placement, Nova, Neutron and Cinder are as
# shipped. Three things are pretended, by small drivers below: machines (Nova's own fake driver), the wires of ports, and the blocks
# of volumes. A port with "bindfail" in its name cannot be bound, a volume with "volfail" cannot be made.
# Everything listens on 127.0.0.1, or on a socket in DIR. In clouds.yaml are lab and life (tenants of their own) and lab-admin.
set -euo pipefail
cmd=${1:-}
here=$(cd "$(dirname "$0")" && pwd)
dir=${2:-$here/../bin/openstack-lab}
mkdir -p "$dir" && dir=$(cd "$dir" && pwd)
password=${LAB_PASSWORD:-labpass}
region=RegionOne
keystone=15000 glance=19292 placement=18778 nova=18774 neutron=19696 cinder=18776 rabbit=15673 rabbitdist=35673 epmd=14369
auth=http://127.0.0.1:$keystone/v3
computes='cmp1 cmp2 cmp3 cmp4'
sock=$dir/run/mysql.sock

unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 no_proxy=127.0.0.1
export PYTHONPATH=$dir/py OS_PLACEMENT_CONFIG_DIR=$dir/etc OS_CLIENT_CONFIG_FILE=$dir/etc/clouds.yaml
export ERL_EPMD_ADDRESS=127.0.0.1 ERL_EPMD_PORT=$epmd
python=/usr/bin/python3

say() { echo "$(date +%T) $*" >&2; }
die() { say "$*"; exit 1; }

# --- processes: a file holds the pid and when it began, so that another process with that pid is not taken for ours
began() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }
alive() {
	local pid when
	[ -s "$dir/run/$1.pid" ] && read -r pid when <"$dir/run/$1.pid" && [ -n "$when" ] && [ "$(began "$pid")" = "$when" ]
}
start() {
	local name=$1
	shift
	alive "$name" && return
	setsid nohup "$@" >>"$dir/log/$name.log" 2>&1 </dev/null &
	local pid=$!
	sleep 0.05
	echo "$pid $(began $pid)" >"$dir/run/$name.pid"
}
await() { # await NAME SECONDS COMMAND: until the command succeeds
	local name=$1 n=$(($2 * 4))
	shift 2
	until "$@" >/dev/null 2>&1; do
		alive "$name" || { tail -15 "$dir/log/$name.log" >&2; die "$name ended"; }
		((n-- > 0)) || { tail -15 "$dir/log/$name.log" >&2; die "$name does not answer"; }
		sleep 0.25
	done
}
answers() { curl -s -o /dev/null -m 5 "http://127.0.0.1:$1/"; }
once() { # once NAME COMMAND: a step that is done one time per DIR
	[ -e "$dir/done/$1" ] || { "${@:2}" && touch "$dir/done/$1"; }
}
sql() { mariadb --no-defaults -uroot --socket="$sock" "$@"; }

packages() {
	local want='mariadb-server-core mariadb-client-core rabbitmq-server uwsgi-core uwsgi-plugin-python3 python3-keystone glance-common
		placement-common nova-common neutron-common cinder-common python3-pymysql python3-openstackclient curl' lack='' p
	for p in $want; do
		dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || lack="$lack $p"
	done
	[ -z "$lack" ] && return
	say "installing:$lack"
	( # no service of theirs starts, and no question is asked
		umask 022
		export DEBIAN_FRONTEND=noninteractive
		if [ ! -e /usr/sbin/policy-rc.d ]; then
			printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d
			trap 'rm -f /usr/sbin/policy-rc.d' EXIT
		fi
		for p in nova neutron cinder glance placement; do
			for q in configure_db configure_ksat configure_rabbit; do echo "$p-common $p/$q boolean false"; done
		done | debconf-set-selections
		# two hundred packages would be compiled, of which few are run: what is run is compiled when it is
		mkdir -p "$dir/install" && printf '#!/bin/sh\n' >"$dir/install/py3compile" && chmod 755 "$dir/install/py3compile"
		apt-get update -q
		# shellcheck disable=SC2086
		PATH=$dir/install:$PATH apt-get install -y --no-install-recommends -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 \
			-o Dpkg::Options::=--force-unsafe-io $lack
	) >"$dir/log/packages.log" 2>&1 || { tail -20 "$dir/log/packages.log" >&2; die 'the packages cannot be installed'; }
}

# --- what is pretended
pretend() {
	cat >"$dir/py/labwires.py" <<'EOF'
"""Binds a port at every host at once: there is no agent. One with "bindfail" in its name is not bound."""
from neutron_lib import constants
from neutron_lib.api.definitions import portbindings
from neutron_lib.plugins.ml2 import api


class Wires(api.MechanismDriver):
    @property
    def connectivity(self):
        return portbindings.CONNECTIVITY_L2

    def initialize(self):
        pass

    def bind_port(self, context):
        if 'bindfail' in (context.current['name'] or ''):
            return
        segment = next(iter(context.segments_to_bind), None)
        if segment:
            context.set_binding(segment[api.ID], portbindings.VIF_TYPE_OVS, {portbindings.CAP_PORT_FILTER: True},
                                status=constants.PORT_STATUS_ACTIVE)
EOF
	mkdir -p "$dir/py/labwires-0.dist-info"
	printf 'Metadata-Version: 2.1\nName: labwires\nVersion: 0\n' >"$dir/py/labwires-0.dist-info/METADATA"
	printf '[neutron.ml2.mechanism_drivers]\nlab = labwires:Wires\n' >"$dir/py/labwires-0.dist-info/entry_points.txt"
	cat >"$dir/py/labmachines.py" <<'EOF'
"""Nova's fake driver, whose snapshots have content: without it their images would never be active."""
import io

from nova.compute import task_states
from nova.image import glance
from nova.virt import fake


class Machines(fake.MediumFakeDriver):
    def snapshot(self, context, instance, image_id, update_task_state):
        super().snapshot(context, instance, image_id, update_task_state)
        meta = {'disk_format': 'raw', 'container_format': 'bare', 'properties': {}}
        glance.API().update(context, image_id, meta, io.BytesIO(bytes(4096)), purge_props=False)
EOF
	cat >"$dir/py/labblocks.py" <<'EOF'
"""Stores nothing: what a volume is stands in Cinder's database. One with "volfail" in its name is not made."""
from cinder import exception
from cinder import interface
from cinder.volume import driver


def _nothing(*_, **__):
    return {}


@interface.volumedriver
class Blocks(driver.VolumeDriver):
    VERSION = '1'
    do_setup = check_for_setup_error = delete_volume = create_snapshot = delete_snapshot = _nothing
    create_volume_from_snapshot = create_cloned_volume = extend_volume = ensure_export = create_export = _nothing
    remove_export = terminate_connection = _nothing

    def create_volume(self, volume):
        if 'volfail' in (volume.display_name or ''):
            raise exception.VolumeBackendAPIException(data='the lab refuses this volume')
        return {}

    def clone_image(self, *_):
        return {}, True

    def initialize_connection(self, volume, connector):
        return {'driver_volume_type': 'iscsi', 'data': {'target_discovered': True, 'target_portal': '127.0.0.1:3260', 'target_lun': 1,
                                                        'target_iqn': 'iqn.2010-10.lab:' + volume.id, 'volume_id': volume.id}}

    def _update_volume_stats(self):
        self._stats = {'volume_backend_name': 'lab', 'vendor_name': 'lab', 'driver_version': self.VERSION, 'storage_protocol': 'iSCSI',
                       'total_capacity_gb': 10000, 'free_capacity_gb': 10000, 'reserved_percentage': 0, 'multiattach': True}
EOF
}

# --- settings
database() { echo "mysql+pymysql://root@localhost/$1?unix_socket=$sock&charset=utf8"; }
login() { # login USER: what a service says to Keystone
	cat <<EOF
auth_type = password
auth_url = $auth
username = $1
password = $password
project_name = service
user_domain_name = Default
project_domain_name = Default
region_name = $region
EOF
}
shared() { # shared SERVICE
	cat <<EOF
[keystone_authtoken]
www_authenticate_uri = $auth
$(login "$1")
[oslo_messaging_rabbit]
heartbeat_in_pthread = false
[oslo_concurrency]
lock_path = $dir/data/locks
[oslo_policy]
policy_dirs = $dir/etc/policy.$1
EOF
	mkdir -p "$dir/etc/policy.$1"
}
settings() {
	local bus=rabbit://guest:guest@127.0.0.1:$rabbit/ c
	mkdir -p "$dir"/data/{locks,nova,neutron,glance,cinder,keystone}
	cd "$dir/etc"
	cat >rabbitmq.conf <<EOF
listeners.tcp.1 = 127.0.0.1:$rabbit
disk_free_limit.absolute = 50MB
log.console = true
log.file = false
EOF
	echo '[].' >enabled_plugins
	cat >keystone.conf <<EOF
[DEFAULT]
use_stderr = true
[database]
connection = $(database keystone)
[token]
expiration = 86400
[cache]
enabled = true
backend = oslo_cache.dict
[identity]
password_hash_rounds = 4
[fernet_tokens]
key_repository = $dir/data/keystone/fernet
[credential]
key_repository = $dir/data/keystone/credential
EOF
	cat >glance.conf <<EOF
[DEFAULT]
bind_host = 127.0.0.1
bind_port = $glance
workers = 0
enabled_backends = file:file
[database]
connection = $(database glance)
[glance_store]
default_backend = file
[file]
filesystem_store_datadir = $dir/data/glance/images
[os_glance_staging_store]
filesystem_store_datadir = $dir/data/glance/staging
[os_glance_tasks_store]
filesystem_store_datadir = $dir/data/glance/tasks
[paste_deploy]
flavor = keystone
config_file = /etc/glance/glance-api-paste.ini
$(shared glance)
EOF
	cat >placement.conf <<EOF
[placement_database]
connection = $(database placement)
[api]
auth_strategy = keystone
$(shared placement)
EOF
	# an oversized flavour is to meet the scheduler, hence the ratios; a rate of the fake driver is nothing real
	cat >nova.conf <<EOF
[DEFAULT]
my_ip = 127.0.0.1
state_path = $dir/data/nova
transport_url = $bus
enabled_apis = osapi_compute
osapi_compute_listen = 127.0.0.1
osapi_compute_listen_port = $nova
osapi_compute_workers = 1
compute_driver = labmachines.Machines
reserved_host_memory_mb = 0
cpu_allocation_ratio = 8.0
ram_allocation_ratio = 4.0
disk_allocation_ratio = 4.0
allow_resize_to_same_host = true
vif_plugging_is_fatal = false
vif_plugging_timeout = 0
[api]
auth_strategy = keystone
[wsgi]
api_paste_config = /etc/nova/api-paste.ini
[api_database]
connection = $(database nova_api)
[database]
connection = $(database nova)
[scheduler]
workers = 1
discover_hosts_in_cells_interval = 5
[filter_scheduler]
enabled_filters = ComputeFilter,ComputeCapabilitiesFilter,ImagePropertiesFilter,ServerGroupAntiAffinityFilter,ServerGroupAffinityFilter
[conductor]
workers = 1
[vnc]
enabled = false
[glance]
api_servers = http://127.0.0.1:$glance
[placement]
$(login placement)
[neutron]
$(login neutron)
[cinder]
os_region_name = $region
catalog_info = volumev3::publicURL
$(login nova)
[service_user]
send_service_user_token = true
$(login nova)
$(shared nova)
EOF
	for c in $computes; do
		mkdir -p "$dir/data/nova-$c"
		printf '[DEFAULT]\nhost = %s\nstate_path = %s\n' "$c" "$dir/data/nova-$c" >"nova-$c.conf"
	done
	# openvswitch binds nothing here: trunks and QoS want to know of a driver that has them
	cat >neutron.conf <<EOF
[DEFAULT]
bind_host = 127.0.0.1
bind_port = $neutron
state_path = $dir/data/neutron
transport_url = $bus
core_plugin = ml2
service_plugins = router,trunk,qos
api_workers = 1
rpc_workers = 0
rpc_state_report_workers = 0
api_paste_config = /etc/neutron/api-paste.ini
notify_nova_on_port_status_changes = true
notify_nova_on_port_data_changes = true
[database]
connection = $(database neutron)
[nova]
$(login nova)
[placement]
$(login placement)
$(shared neutron)
EOF
	# tenants may limit rates, as on clouds that let them
	cat >policy.neutron/qos.yaml <<'EOF'
create_policy: ""
update_policy: "rule:admin_or_owner"
delete_policy: "rule:admin_or_owner"
create_policy_bandwidth_limit_rule: ""
update_policy_bandwidth_limit_rule: ""
delete_policy_bandwidth_limit_rule: ""
EOF
	cat >ml2.ini <<'EOF'
[ml2]
type_drivers = flat,vlan,vxlan,local
tenant_network_types = vxlan
mechanism_drivers = lab,openvswitch
extension_drivers = port_security,qos
[ml2_type_flat]
flat_networks = *
[ml2_type_vlan]
network_vlan_ranges = physnet1:100:199
[ml2_type_vxlan]
vni_ranges = 1:2000
EOF
	cat >cinder.conf <<EOF
[DEFAULT]
my_ip = 127.0.0.1
host = lab
state_path = $dir/data/cinder
transport_url = $bus
auth_strategy = keystone
osapi_volume_listen = 127.0.0.1
osapi_volume_listen_port = $cinder
osapi_volume_workers = 1
api_paste_config = /etc/cinder/api-paste.ini
resource_query_filters_file = /etc/cinder/resource_filters.json
glance_api_servers = http://127.0.0.1:$glance
enabled_backends = lab
default_volume_type = __DEFAULT__
[lab]
volume_driver = labblocks.Blocks
volume_backend_name = lab
[database]
connection = $(database cinder)
[nova]
$(login nova)
[service_user]
send_service_user_token = true
$(login cinder)
$(shared cinder)
EOF
	cat >clouds.yaml <<EOF
clouds:
  lab-admin:
    auth: {auth_url: $auth, username: admin, password: $password, project_name: admin, user_domain_name: Default, project_domain_name: Default}
    region_name: $region
  lab:
    auth: {auth_url: $auth, username: vnfm, password: $password, project_name: nfv, user_domain_name: Default, project_domain_name: Default}
    region_name: $region
  life:
    auth: {auth_url: $auth, username: vnfm, password: $password, project_name: life, user_domain_name: Default, project_domain_name: Default}
    region_name: $region
EOF
	for c in nova-api:nova.cmd.api nova-conductor:nova.cmd.conductor nova-scheduler:nova.cmd.scheduler nova-compute:nova.cmd.compute \
		glance-api:glance.cmd.api neutron-server:neutron.cmd.eventlet.server cinder-api:cinder.cmd.api \
		cinder-scheduler:cinder.cmd.scheduler cinder-volume:cinder.cmd.volume; do
		printf 'import sys\nfrom %s import main\nsys.exit(main())\n' "${c#*:}" >"$dir/py/run-${c%%:*}.py"
	done
	# Nova takes drivers from a package of its own only
	sed -i "1a import nova.virt\nnova.virt.__path__.append('$dir/py')" "$dir/py/run-nova-compute.py"
}

# --- schemas
manage() { # manage SERVICE ARGUMENTS [, ARGUMENTS]...: each as a command of its own, of one program that is loaded once
	$python "$dir/py/manage.py" "$1" "$dir/etc/$1.conf" "${@:2}" >>"$dir/log/schema-$1.log" 2>&1
}
schemaKeystone() {
	manage keystone db_sync , fernet_setup --keystone-user root --keystone-group root , \
		credential_setup --keystone-user root --keystone-group root , \
		bootstrap --bootstrap-password "$password" --bootstrap-region-id $region --bootstrap-public-url $auth \
		--bootstrap-internal-url $auth --bootstrap-admin-url $auth
}
schemaNova() {
	manage nova api_db sync , cell_v2 map_cell0 --database_connection "$(database nova_cell0)" , cell_v2 create_cell --name cell1 , db sync
}
schemaNeutron() {
	neutron-db-manage --config-file "$dir/etc/neutron.conf" --config-file "$dir/etc/ml2.ini" upgrade heads >"$dir/log/schema-neutron.log" 2>&1
}
identity() { # Keystone runs, with users and catalogue, while the others' schemas are made
	once keystone schemaKeystone || die "Keystone's schema: see $dir/log/schema-keystone.log"
	web keystone $keystone 1 /usr/bin/keystone-wsgi-public --pyargv "--config-file $dir/etc/keystone.conf"
	await keystone 60 answers $keystone
	once identity seed identity || die 'users and catalogue cannot be made'
}
schemas() {
	local d jobs='' j
	for d in keystone glance placement nova_api nova nova_cell0 neutron cinder; do
		echo "create database if not exists $d character set utf8mb3;"
	done | sql
	cat >"$dir/py/manage.py" <<'EOF'
import importlib
import os
import sys

name, settings, words = sys.argv[1], sys.argv[2], sys.argv[3:]
main = importlib.import_module(name + '.cmd.manage').main
while words:
    end = words.index(',') if ',' in words else len(words)
    command, words = words[:end], words[end + 1:]
    pid = os.fork()
    if not pid:
        sys.argv = [name + '-manage', '--config-file', settings] + command
        sys.exit(main())
    if os.waitpid(pid, 0)[1]:
        sys.exit('failed: %s' % ' '.join(command[:2]))
EOF
	identity & jobs="$jobs $!"
	once neutron schemaNeutron & jobs="$jobs $!"
	{ once placement manage placement db sync && once nova schemaNova; } & jobs="$jobs $!"
	{ once glance manage glance db_sync && once cinder manage cinder db sync; } & jobs="$jobs $!"
	await rabbitmq 90 bash -c "exec 3<>/dev/tcp/127.0.0.1/$rabbit"
	for j in $jobs; do wait "$j" || die "a schema cannot be made: see $dir/log/schema-*.log"; done
}

# --- what is there from the beginning
seed() {
	cat >"$dir/py/seed.py" <<'EOF'
import os
import sys

import openstack

password, region = os.environ['LAB_PASSWORD'], os.environ['LAB_REGION']
cloud = openstack.connect(cloud='lab-admin', load_envvars=False)


def identity():
    ks = cloud.identity
    for name in ('admin', 'member', 'service'):
        ks.find_role(name) or ks.create_role(name=name)
    for name in ('service', 'nfv', 'life'):
        ks.find_project(name) or ks.create_project(name=name, domain_id='default')

    def user(name, project, *roles):
        u = ks.find_user(name) or ks.create_user(name=name, password=password, domain_id='default')
        for role in roles:
            ks.put('/projects/%s/users/%s/roles/%s' % (ks.find_project(project).id, u.id, ks.find_role(role).id))

    services = {s.type: s for s in ks.services()}
    for line in os.environ['LAB_CATALOGUE'].split('\n'):
        kind, name, url = line.split()
        user(name, 'service', 'admin', 'service')
        s = services.get(kind) or ks.create_service(type=kind, name=name)
        there = {e.interface for e in ks.endpoints(service_id=s.id)}
        for interface in {'public', 'internal', 'admin'} - there:
            ks.create_endpoint(service_id=s.id, interface=interface, region_id=region, url=url)
    for project in ('nfv', 'life'):
        user('vnfm', project, 'member')
        user('admin', project, 'admin')


def site():
    net = cloud.network

    def network(name, cidr, **more):
        n = next(net.networks(name=name, **{k: v for k, v in more.items() if k == 'project_id'}), None) or net.create_network(name=name, **more)
        n.subnet_ids or net.create_subnet(name=name + '-subnet', network_id=n.id, ip_version=4, cidr=cidr, project_id=n.project_id)

    for name in ('nfv', 'life'):
        project = cloud.identity.find_project(name).id
        cloud.compute.put('/os-quota-sets/' + project, json={'quota_set': {'instances': 200, 'cores': 1000, 'ram': 1 << 21, 'server_groups': 200}})
        net.put('/quotas/' + project, json={'quota': {'network': 500, 'subnet': 500, 'port': 2000}})
        cloud.block_storage.put('/os-quota-sets/' + project, json={'quota_set': {'volumes': 500, 'gigabytes': 5000}})
        network('mgmt', '10.10.0.0/16', project_id=project)
    network('public', '203.0.113.0/24', is_router_external=True, provider_network_type='flat', provider_physical_network='extnet')
    for name, byte in (('cirros', 0), ('cirros-2', 1)):
        cloud.image.find_image(name) or cloud.image.create_image(
            name=name, data=bytes([byte]) * 65536, disk_format='raw', container_format='bare', visibility='public')
    flavours = {f.name for f in cloud.compute.flavors(details=False)}
    for name, cpus, ram, disk in (('m1.tiny', 1, 512, 1), ('m1.small', 1, 1024, 2), ('m1.medium', 2, 2048, 10), ('m1.huge', 64, 262144, 10)):
        name in flavours or cloud.compute.create_flavor(name=name, vcpus=cpus, ram=ram, disk=disk)


{'identity': identity, 'site': site}[sys.argv[1]]()
EOF
	LAB_PASSWORD=$password LAB_REGION=$region LAB_CATALOGUE="image glance http://127.0.0.1:$glance
placement placement http://127.0.0.1:$placement
compute nova http://127.0.0.1:$nova/v2.1
network neutron http://127.0.0.1:$neutron
volumev3 cinder http://127.0.0.1:$cinder/v3/%(project_id)s" $python "$dir/py/seed.py" "$1" >&2
}

# --- programs
web() { # web NAME PORT PROCESSES SCRIPT ARGUMENTS: under uwsgi, which is to say that it closes its connections
	start "$1" uwsgi --plugins python3 --http-socket "127.0.0.1:$2" --master --die-on-term --need-app --enable-threads --lazy-apps \
		--processes "$3" --threads 4 --buffer-size 65535 --add-header 'Connection: close' --disable-logging --wsgi-file "$4" "${@:5}"
}
run() { # run NAME PROGRAM SETTINGS...
	local name=$1 program=$2 args='' c
	shift 2
	for c in "$@"; do args="$args --config-file $dir/etc/$c"; done
	# shellcheck disable=SC2086
	start "$name" $python "$dir/py/run-$program.py" $args
}
computesUp() {
	local n=0 c
	for c in $computes; do n=$((n + 1)); done
	[ "$(sql -N -e 'select count(*) from nova_api.host_mappings')" -ge $n ] &&
		[ "$(sql -N -e "select count(*) from nova.services where \`binary\`='nova-compute' and deleted=0 and coalesce(updated_at,created_at)>='$1'")" -ge $n ]
}
up() {
	umask 077
	mkdir -p "$dir"/{run,log,etc,py,data,rabbit,done}
	packages
	say 'the packages are there'
	pretend
	settings
	[ -d "$dir/data/mysql/mysql" ] || mariadb-install-db --no-defaults --user=root --datadir="$dir/data/mysql" \
		--auth-root-authentication-method=normal --skip-test-db >"$dir/log/mysql.log" 2>&1
	start mariadb mariadbd --no-defaults --user=root --datadir="$dir/data/mysql" --socket="$sock" --pid-file="$dir/data/mysql.pid" \
		--skip-networking --skip-log-bin --skip-name-resolve --innodb-flush-log-at-trx-commit=0 --innodb-doublewrite=0 \
		--innodb-buffer-pool-size=256M --max-connections=600 --character-set-server=utf8mb3 --performance-schema=0
	# shellcheck disable=SC2012
	start epmd "$(ls /usr/bin/epmd /usr/lib/erlang/erts-*/bin/epmd 2>/dev/null | head -1)" -address 127.0.0.1 -port $epmd
	start rabbitmq env HOME="$dir/rabbit" RABBITMQ_CONF_ENV_FILE=/dev/null RABBITMQ_NODENAME=lab@localhost \
		RABBITMQ_CONFIG_FILE="$dir/etc/rabbitmq.conf" RABBITMQ_ENABLED_PLUGINS_FILE="$dir/etc/enabled_plugins" \
		RABBITMQ_MNESIA_BASE="$dir/rabbit/mnesia" RABBITMQ_LOG_BASE="$dir/log" RABBITMQ_LOGS=- RABBITMQ_DIST_PORT=$rabbitdist \
		RABBITMQ_PID_FILE="$dir/rabbit/pid" \
		RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}' \
		/usr/lib/rabbitmq/bin/rabbitmq-server
	await mariadb 60 sql -e 'select 1'
	schemas
	say 'the schemas are there'
	web placement $placement 1 /usr/bin/placement-api
	run neutron-server neutron-server neutron.conf ml2.ini
	run nova-conductor nova-conductor nova.conf
	run glance-api glance-api glance.conf
	run nova-api nova-api nova.conf
	run nova-scheduler nova-scheduler nova.conf
	local s since=2000-01-01
	for s in api scheduler volume; do run cinder-$s cinder-$s cinder.conf; done
	await placement 60 answers $placement
	for s in $computes; do
		alive "nova-compute-$s" || since=$(sql -N -e 'select utc_timestamp()')
		run "nova-compute-$s" nova-compute nova.conf "nova-$s.conf"
	done
	await glance-api 90 answers $glance
	await neutron-server 120 answers $neutron
	await nova-api 90 answers $nova
	await cinder-api 90 answers $cinder
	await nova-conductor 120 computesUp "$since"
	once site seed site || die 'images, flavours and networks cannot be made'
	say 'ready'
	echo "$dir/etc/clouds.yaml"
}
down() {
	local f name n pid rest
	for n in nova-compute nova cinder neutron glance placement keystone rabbitmq epmd mariadb; do
		for f in "$dir"/run/"$n"*.pid; do
			[ -e "$f" ] || continue
			name=$(basename "$f" .pid)
			if alive "$name"; then
				read -r pid rest <"$f"
				kill -TERM -- "-$pid" 2>/dev/null || true
				for _ in $(seq 1 80); do alive "$name" || break; sleep 0.25; done
				kill -KILL -- "-$pid" 2>/dev/null || true
			fi
			rm -f "$f"
		done
	done
}

case $cmd in
install) umask 077; mkdir -p "$dir/log"; packages ;;
up) up ;;
down) down ;;
wipe) down; rm -rf "$dir" ;;
*) sed -n '2,13s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
