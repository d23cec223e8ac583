#!/usr/bin/env bash
# Thirteen checks along the path from an engine's metrics to a VariantAutoscaling's status: which link is broken, and
# what mends it. Needs bash, kubectl and coreutils. Exit 0: all pass; 1: a check failed; 2: usage; 3: no cluster.
#
# usage: ci_diagnostics.sh [--namespace NS] [--operator-namespace NS] [--prometheus NS/SERVICE:PORT] [--out DIR]
#   --namespace            where the VariantAutoscaling objects are (default: every namespace that has one)
#   --operator-namespace   where Penstock runs (default: penstock-system)
#   --prometheus           the Prometheus Service (default: as in penstock-config or WVA's ConfigMap)
#   --out                  folder for everything that was looked at (default: diagnostics)
set -uo pipefail

usage() { sed -n 's/^# \{0,1\}//; 2,9p' "$0"; }
namespace="" operator=penstock-system wva=workload-variant-autoscaler-system prometheus="" out=diagnostics
while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help) usage; exit 0 ;;
    --namespace | --operator-namespace | --prometheus | --out) [ $# -gt 1 ] || { usage >&2; exit 2; } ;;&
    --namespace) namespace=$2 ;;
    --operator-namespace) operator=$2 ;;
    --prometheus) prometheus=$2 ;;
    --out) out=$2 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift 2
done

mkdir -p "$out" && rm -f "$out"/[0-9][0-9]-* || exit 2
failures=0 number=0 found="" bad="" remedy=""

k() { kubectl --request-timeout=10s "$@"; }
also() { found="$found${found:+, }$1"; }
actions() { [ -z "${GITHUB_ACTIONS:-}" ] || echo "::$1"; } # a command to GitHub's log

fault() { # fault WHAT REMEDY: the present check fails; all faults are shown, and the first remedy
  bad="$bad${bad:+$'\n'     }$1" remedy=${remedy:-$2}
}

check() { # check TITLE COMMAND...: runs one check and prints its line
  number=$((number + 1)) found="" bad="" remedy=""
  "${@:2}"
  if [ -z "$bad" ]; then
    printf '✓ %2d %-27s %s\n' "$number" "$1" "$found"
  else
    printf '✗ %2d %-27s %s\n     fix: %s\n' "$number" "$1" "$bad" "$remedy"
    actions "error title=check $number, $1::$(head -n 1 <<< "$bad"). $remedy"
    failures=$((failures + 1))
  fi
}

# --- what there is: one line a variant ---------------------------------------------------------------------------
if ! k version > "$out/00-version.txt" 2>&1; then
  printf '%s\n' "error: the cluster does not answer" "  at:  context $(k config current-context 2>&1)" \
    "  fix: set KUBECONFIG, or kubectl config use-context, to a cluster that runs"
  exit 3
fi
all=(--all-namespaces)
[ -z "$namespace" ] || all=(--namespace "$namespace")
fields='{{.metadata.namespace}}|{{.metadata.name}}|{{.spec.modelID}}|{{with .spec.scaleTargetRef}}{{.kind}}|{{.name}}{{else}}Deployment|{{.metadata.name}}{{end}}|{{with .spec.sloClassRef}}{{.name}}{{end}}|{{if .spec.slo}}own{{else if .spec.modelProfile}}profile{{end}}'
k get variantautoscalings.llmd.ai "${all[@]}" -o go-template="{{range .items}}$fields{{\"\\n\"}}{{end}}" \
  > "$out/00-variants.txt" 2> "$out/00-variants.err"

each() { # each FUNCTION: calls it once a variant with its seven fields
  local ns name model kind target class slo
  while IFS='|' read -r ns name model kind target class slo; do
    "$1" "$ns" "$name" "$model" "$kind" "$target" "$class" "$slo"
  done < "$out/00-variants.txt"
}

listed() { # listed NS KIND NAME: the pods of a workload that are to stay, as name|Ready|port of metrics
  local file="$out/02-pods-$1-$3.txt" labels
  if [ ! -e "$file" ]; then
    labels=$(k -n "$1" get "$2" "$3" -o go-template='{{with .spec.selector}}{{range $k, $v := .matchLabels}}{{$k}}={{$v}},{{end}}{{end}}' 2> "$file.err")
    [ "$2" != LeaderWorkerSet ] || labels="leaderworkerset.sigs.k8s.io/name=$3"
    [ -z "$labels" ] || k -n "$1" get pods -l "${labels%,}" -o go-template='{{range .items}}{{if not .metadata.deletionTimestamp}}{{.metadata.name}}|{{range .status.conditions}}{{if eq .type "Ready"}}{{.status}}{{end}}{{end}}|{{range .spec.containers}}{{range .ports}}{{.name}}={{.containerPort}} {{end}}{{end}}{{"\n"}}{{end}}{{end}}' > "$file" 2>> "$file.err"
  fi
  [ ! -e "$file" ] || cat "$file"
}
pods_of() { listed "$@" | cut -d'|' -f1; }
port_of() { # port_of PORTS: the one called metrics or http, else the first
  { tr ' ' '\n' <<< "$1" | grep -E '^(metrics|http)=' || echo "${1%% *}"; } | head -n 1 | cut -d= -f2
}

services_of() { # services_of NS POD: the Services that lead to a pod
  [ -z "$2" ] || k -n "$1" get endpointslices -o go-template='{{range .items}}{{$s := ""}}{{with .metadata.labels}}{{$s = index . "kubernetes.io/service-name"}}{{end}}{{range .endpoints}}{{with .targetRef}}{{$s}}|{{.name}}{{"\n"}}{{end}}{{end}}{{end}}' 2> /dev/null | grep -E "\|$2\$" | cut -d'|' -f1 | sort -u
}

# --- the checks --------------------------------------------------------------------------------------------------
namespaces() {
  local ns
  for ns in $operator $namespace $(cut -d'|' -f1 "$out/00-variants.txt" | sort -u); do
    if [[ ", $found," == *", $ns,"* ]]; then continue; elif k get namespace "$ns" > /dev/null 2>&1; then also "$ns"; else
      fault "namespace $ns does not exist" "kubectl create namespace $ns, or name the right one with --namespace or --operator-namespace: kubectl get namespaces"
    fi
  done
}

running() {
  local ns=$1 kind=$4 target=$5 pod ready
  [ -n "$(pods_of "$ns" "$kind" "$target")" ] ||
    fault "$kind $ns/$target has no pods" "kubectl -n $ns describe $kind $target; it must exist and have at least one replica"
  while IFS='|' read -r pod ready _; do
    if [ "$ready" = True ]; then also "$pod"; elif [ -n "$pod" ]; then
      fault "pod $ns/$pod is not ready" "kubectl -n $ns describe pod $pod; kubectl -n $ns logs $pod"
    fi
  done <<< "$(listed "$ns" "$kind" "$target")"
}

reachable() {
  local ns=$1 pod ready ports file
  while IFS='|' read -r pod ready ports; do
    [ -n "$pod" ] || continue
    file="$out/03-metrics-$ns-$pod.txt"
    if k get --raw "/api/v1/namespaces/$ns/pods/$pod:$(port_of "$ports")/proxy/metrics" > "$file" 2> "$file.err"; then also "$pod"; else
      fault "no answer from $ns/$pod:$(port_of "$ports")/metrics ($(head -n 1 "$file.err"))" "let the container port called http or metrics be the one that the engine listens on: kubectl -n $ns edit $4 $5"
    fi
  done <<< "$(listed "$ns" "$4" "$5")"
}

series() {
  local ns=$1 pod count
  for pod in $(pods_of "$ns" "$4" "$5"); do
    count=$(grep -c '^vllm:' "$out/03-metrics-$ns-$pod.txt")
    if [ "$count" -gt 0 ]; then also "$pod $count"; else
      fault "$ns/$pod exports no vllm:* series" "run an image that exports vLLM's metrics, and not with --disable-log-stats: kubectl -n $ns edit $4 $5"
    fi
  done
}

labels() {
  local ns=$1 name=$2 model=$3 pod names
  for pod in $(pods_of "$ns" "$4" "$5"); do
    names=$(sed -n 's/^vllm:num_requests_running{.*model_name="\([^"]*\)".*/\1/p' "$out/03-metrics-$ns-$pod.txt" | sort -u)
    if grep -qxF -- "$model" <<< "$names"; then also "$pod $model"; elif [ -z "$names" ]; then
      fault "$ns/$pod has no model_name label" "start the engine with --served-model-name $model: kubectl -n $ns edit $4 $5"
    else
      names=$(head -n 1 <<< "$names")
      fault "$ns/$pod reports model_name=\"$names\", $name says \"$model\"" "kubectl -n $ns patch va $name --type merge -p '{\"spec\":{\"modelID\":\"$names\"}}'"
    fi
  done
}

services() {
  local names; names=$(services_of "$1" "$(pods_of "$1" "$4" "$5" | head -n 1)" | tr '\n' ' ')
  if [ -n "$names" ]; then also "${names% }"; else
    fault "no Service of $1 leads to the pods of $5" "create one whose selector matches their labels: kubectl -n $1 expose $4 $5 --name $5 --port 8000"
  fi
}

monitors() {
  if [ -z "$(k api-resources --api-group monitoring.coreos.com -o name 2> /dev/null)" ]; then
    also "no Prometheus operator here: check 9 tells whether Prometheus finds the pods"
  else each monitors_one; fi
}
monitors_one() {
  local ns=$1 pod have
  pod=$(pods_of "$ns" "$4" "$5" | head -n 1)
  have=$(for service in $(services_of "$ns" "$pod"); do selecting "$ns" servicemonitors service "$service"; done; selecting "$ns" podmonitors pod "$pod")
  if [ -n "$have" ]; then also "$(head -n 1 <<< "$have")"; else
    fault "no ServiceMonitor or PodMonitor selects the Service or the pods of $ns/$5" "create one whose spec.selector.matchLabels are labels of the Service: kubectl -n $ns get services --show-labels; kubectl get servicemonitors --all-namespaces"
  fi
}

selecting() { # selecting NS MONITORS KIND NAME: the monitors that look into NS and all of whose matchLabels an object has
  local at name elsewhere wanted label has
  has=$(k -n "$1" get "$3" "$4" -o go-template='{{range $k, $v := .metadata.labels}}[{{$k}}={{$v}}]{{end}}' 2> /dev/null)
  while IFS='|' read -r at name elsewhere wanted; do
    [ -n "$name" ] && { [ "$at" = "$1" ] || [ -n "$elsewhere" ]; } || continue
    for label in $wanted; do [[ "$has" == *"[$label]"* ]] || continue 2; done
    echo "$name"
  done <<< "$(k get "$2.monitoring.coreos.com" --all-namespaces -o go-template='{{range .items}}{{.metadata.namespace}}|{{.metadata.name}}|{{if .spec.namespaceSelector}}yes{{end}}|{{range $k, $v := .spec.selector.matchLabels}}{{$k}}={{$v}} {{end}}{{"\n"}}{{end}}' 2> /dev/null)"
}

url="" proxied=""
where() { # sets url, and proxied where it leads to a Service: its path at the API server
  local at name key
  [ -z "$url$prometheus" ] && while read -r at name key; do
    [ -n "$url" ] || url=$(k -n "$at" get configmap "$name" -o jsonpath="{.data.$key}" 2> /dev/null)
  done <<TEXT
$operator penstock-config prometheusURL
$operator workload-variant-autoscaler-variantautoscaling-config PROMETHEUS_BASE_URL
$wva workload-variant-autoscaler-variantautoscaling-config PROMETHEUS_BASE_URL
TEXT
  [ -z "$prometheus" ] || url="http://$(cut -d/ -f2 <<< "$prometheus" | sed "s/:/.${prometheus%%/*}.svc:/")"
  if [[ "$url" =~ ^(https?)://([a-z0-9-]+)(\.([a-z0-9-]+)(\.svc[a-z0-9.-]*)?)?(:([0-9]+))?(/.*)?$ ]]; then
    local scheme=${BASH_REMATCH[1]} service=${BASH_REMATCH[2]} port=${BASH_REMATCH[7]} path=${BASH_REMATCH[8]}
    at=${BASH_REMATCH[4]:-$operator}
    [ -n "$port" ] || { [ "$scheme" = https ] && port=443 || port=80; }
    proxied="/api/v1/namespaces/$at/services/$([ "$scheme" = http ] || echo https:)$service:$port/proxy${path%/}"
  fi
}

ask() { # ask QUERY FILE (already escaped for a URL): Prometheus answers into the file
  k get --raw "$proxied/api/v1/query?query=$1" > "$out/$2" 2>&1
}

prometheus_up() {
  where
  if [ -z "$url" ]; then
    fault "no prometheusURL in $operator/penstock-config, nor in WVA's ConfigMap" "kubectl -n $operator patch configmap penstock-config -p '{\"data\":{\"prometheusURL\":\"http://prometheus-operated.monitoring.svc:9090\"}}'"
  elif [ -z "$proxied" ]; then also "$url is outside the cluster and was not asked: see checks 11 and 12"; else
    ask up 06-prometheus.txt
    if grep -q '"status":"success"' "$out/06-prometheus.txt"; then also "$url"; else
      fault "$url does not answer: $(head -c 200 "$out/06-prometheus.txt" | tr '\n' ' ')" "kubectl get pods,services,endpointslices --all-namespaces | grep -i prometheus; then correct prometheusURL: kubectl -n $operator edit configmap penstock-config"
    fi
  fi
}

queried() { [ -z "$proxied" ] && also "not asked" || each queried_one; }
queried_one() {
  local ns=$1 name=$2 model=$3
  ask "vllm:num_requests_running%7Bmodel_name%3D%22$(sed 's/%/%25/g; s/ /%20/g; s/#/%23/g; s/&/%26/g; s/+/%2B/g' <<< "$model")%22%2Cnamespace%3D~%22$ns%7C%22%7D" "09-query-$ns-$name.txt"
  if grep -q '"metric":' "$out/09-query-$ns-$name.txt"; then also "$model"; else
    fault "Prometheus has no vllm:num_requests_running with model_name=\"$model\" of $ns" "let a ServiceMonitor, a PodMonitor or the annotation prometheus.io/scrape select the pods, and look at Prometheus' page /targets: kubectl -n $ns get pods --show-labels"
  fi
}

objects() {
  if [ -s "$out/00-variants.txt" ]; then also "$(cut -d'|' -f2 "$out/00-variants.txt" | tr '\n' ' ')"; else
    fault "no VariantAutoscaling${namespace:+ in $namespace} $(head -n 1 "$out/00-variants.err")" "kubectl apply -k crds (or helm install), then apply one: kubectl explain variantautoscaling.spec"
  fi
}

statuses() {
  local ns=$1 name=$2 generation observed desired conditions
  k -n "$ns" get variantautoscalings.llmd.ai "$name" -o yaml > "$out/11-va-$ns-$name.yaml" 2>&1
  IFS='|' read -r generation observed desired conditions <<< "$(k -n "$ns" get variantautoscalings.llmd.ai "$name" -o go-template='{{.metadata.generation}}|{{with .status}}{{.observedGeneration}}|{{with .desiredOptimizedAlloc}}{{.numReplicas}}{{end}}|{{range .conditions}}{{.type}}={{.status}} ({{.reason}}: {{.message}}) {{end}}{{else}}||{{end}}' 2> /dev/null)"
  if [ -z "$observed" ]; then
    fault "$ns/$name has no status" "the operator does not see it: check 12, its watchNamespaces, and the label wva.llmd.ai/controller-instance: kubectl -n $ns get va $name --show-labels"
  elif [ "$observed" != "$generation" ]; then
    fault "$ns/$name: status is of generation $observed, the object of $generation" "the operator is behind: kubectl -n $operator logs deployment/penstock-operator"
  elif [[ " $conditions" == *" Ready=True"* ]] && [[ "$desired" =~ ^[0-9]+$ ]]; then also "$name desired $desired"; else
    fault "$ns/$name: $(grep -oE '(TargetResolved|MetricsAvailable|OptimizationReady|ScalingActive|Ready)=(False|Unknown) \([^)]*\)' <<< "$conditions" | grep -v '^Ready' | head -n 1)" "do what the condition says: kubectl -n $ns describe va $name"
  fi
}

logs() {
  local file="$out/12-operator.log" passes start unavailable
  k -n "$operator" logs -l app.kubernetes.io/name=penstock,app.kubernetes.io/component=operator --tail=200 > "$file" 2> "$file.err"
  passes=$(grep -n 'Optimization completed successfully' "$file" | cut -d: -f1)
  start=$(tail -n 2 <<< "$passes" | head -n 1) # what was said since the pass before the last one
  unavailable=$(tail -n "+${start:-1}" "$file" | grep 'Metrics unavailable' | grep -v NoReplicas)
  [ -z "$namespace" ] || unavailable=$(grep -E "namespace(\": \"|=)$namespace(\"| |\$)" <<< "$unavailable")
  if [ ! -s "$file" ]; then
    fault "no log of an operator in $operator: $(head -n 1 "$file.err")" "kubectl -n $operator get pods; kubectl -n $operator rollout status deployment/penstock-operator"
  elif grep -q 'Traceback (most recent call last)' "$file"; then
    fault "the operator's log holds a traceback" "report it with the log: kubectl -n $operator logs deployment/penstock-operator"
  elif [ -z "$passes" ] && [ -s "$out/00-variants.txt" ]; then
    fault "no scaling pass in the last 200 lines: $(tail -n 1 "$file" | cut -c1-300)" "see who leads: kubectl -n $operator get lease penstock-operator -o yaml; kubectl -n $operator logs deployment/penstock-operator"
  elif [ -n "$unavailable" ]; then
    fault "the operator says: $(tail -n 1 <<< "$unavailable" | cut -c1-300)" "mend the first failing check above; if there is none: kubectl -n $operator logs deployment/penstock-operator"
  else also "$(grep -c . <<< "$passes") x Optimization completed successfully in the last 200 lines"; fi
}

classes() {
  local name=$2 model=$3 text="" where home=$operator
  if [ "$7" = own ]; then also "$name has spec.slo"; return; fi
  for where in "$operator" "$wva"; do # WVA never read the name in sloClassRef: all classes are searched
    text="$text $(k -n "$where" get configmap service-classes-config ${6:+"$6"} --ignore-not-found -o yaml 2> /dev/null)"
    [[ "$text" != *"namespace: $wva"* ]] || home=$wva
  done
  if grep -qE "model:[[:space:]]*[\"']?$(sed 's/[][\.*^$/]/\\&/g' <<< "$model")[\"']?[[:space:]]*(,|}|\\\\n|\$)" <<< "$text"; then also "$model"
  elif [ -z "$6$7" ]; then also "$name: the operator's defaultSLO holds"; else
    fault "$model is in no class of service-classes-config" "add it to the data of a class, or set spec.slo of $name: kubectl -n $home edit configmap service-classes-config"
  fi
}

records() { # the last passes, for `penstock replay` and `penstock what-if`: now, and one and five minutes ago
  local pod ports ago file now
  printf -v now '%(%s)T' -1
  while IFS='|' read -r pod _ ports; do
    [ -n "$pod" ] || continue
    for ago in 0 60 300; do
      file="$out/30-record-$pod-$ago.json.gz"
      k get --raw "/api/v1/namespaces/$operator/pods/$pod:$(port_of "$ports")/proxy/records?at=$((now - ago))" > "$file" 2> "$file.err" ||
        rm "$file"
    done
  done <<< "$(listed "$operator" deployment penstock-operator)"
}

# --- run, and keep the rest --------------------------------------------------------------------------------------
actions "group::Penstock diagnostics"
check "namespaces" namespaces
check "engine pods" each running
check "metrics endpoint" each reachable
check "vLLM series" each series
check "model_name label" each labels
check "Prometheus" prometheus_up # before what it is to find: while it is silent, nothing below can be mended for sure
check "Services" each services
check "ServiceMonitors" monitors
check "Prometheus has the series" queried
check "VariantAutoscaling objects" objects
check "their status" each statuses
check "operator log" logs
check "service class" each classes
actions "endgroup::"

actions "group::What else is in $out"
k get variantautoscalings.llmd.ai,workloadpolicies.penstock.dev --all-namespaces -o wide 2>&1 | tee "$out/20-objects.txt"
k get pods --all-namespaces -o wide > "$out/21-pods.txt" 2>&1
k get events --all-namespaces --sort-by=.lastTimestamp > "$out/22-events.txt" 2>&1
k get workloadpolicies.penstock.dev --all-namespaces -o yaml > "$out/23-policies.yaml" 2>&1
for where in "$operator" "$wva"; do k -n "$where" get configmaps -o yaml; done > "$out/24-configmaps.yaml" 2>&1
k get deployments,replicasets,services,endpointslices --all-namespaces -o wide > "$out/25-workloads.txt" 2>&1
k logs --all-namespaces -l app.kubernetes.io/name=penstock,app.kubernetes.io/component=router --tail=200 --prefix > "$out/26-routers.log" 2>&1
k get horizontalpodautoscalers,scaledobjects.keda.sh --all-namespaces -o yaml > "$out/27-scalers.yaml" 2> "$out/27-scalers.err" ||
  k get horizontalpodautoscalers --all-namespaces -o yaml > "$out/27-scalers.yaml" 2>> "$out/27-scalers.err" # no KEDA here
k get apiservices > "$out/28-apiservices.txt" 2>&1 # who answers for external metrics
k -n "$operator" get configmap penstock-learned -o yaml > "$out/29-learned.yaml" 2>&1
records
ls "$out"
actions "endgroup::"

echo "$((13 - failures)) of 13 checks pass; everything looked at is in $out"
[ "$failures" = 0 ]
