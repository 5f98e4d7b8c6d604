#!/usr/bin/env bash
# usage: benches/compare.sh : compares the run times of plimsoll and of common alternatives for equal work
# Needs hyperfine; kubectl, helm and kubeconform are included if they are installed. Only the ratios are meaningful.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
bin=${PLIMSOLL:-$root/target/release/plimsoll}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$root"

# One bundle: an overlay with the same objects as its base, and a patch with the profile's values.
"$bin" render gateway > "$work/bundle.yaml"
mkdir -p "$work/base" "$work/overlay" "$work/chart/templates"
cp "$work/bundle.yaml" "$work/base/bundle.yaml"
printf 'resources: [bundle.yaml]\n' > "$work/base/kustomization.yaml"
cat > "$work/overlay/kustomization.yaml" <<'YAML'
resources: [../base]
labels: [{pairs: {team: gateway}, includeSelectors: false}]
images: [{name: localhost/kubernaut-datastorage, newTag: gateway-e2e}]
patches:
  - patch: |-
      apiVersion: v1
      kind: Service
      metadata: {name: datastorage, namespace: kubernaut-system}
      spec: {ports: [{port: 8080, nodePort: 30081}]}
YAML
printf 'apiVersion: v2\nname: bundle\nversion: 0.1.0\n' > "$work/chart/Chart.yaml"
# The same manifests as a chart; strings that helm would parse as expressions are quoted.
sed 's/{{/{{ "{{" }}/g' "$work/bundle.yaml" > "$work/chart/templates/bundle.yaml"

render=("$bin render gateway")
command -v kubectl > /dev/null && render+=("kubectl kustomize $work/overlay")
command -v helm > /dev/null && render+=("helm template x $work/chart")
echo "== one bundle; plimsoll also checks it"
hyperfine -N --warmup 3 "${render[@]}"

check=("$bin check --only api $work/bundle.yaml" "$bin check $work/bundle.yaml")
command -v kubeconform > /dev/null && check+=("kubeconform -strict $work/bundle.yaml")
echo "== one bundle checked"
hyperfine -N -i --warmup 3 "${check[@]}"

benches/objects.sh 6000 > "$work/objects.yaml"
check=("$bin check --only api $work/objects.yaml" "$bin check $work/objects.yaml")
command -v kubeconform > /dev/null && check+=("kubeconform -strict $work/objects.yaml")
echo "== 6,000 objects checked"
hyperfine -N -i --warmup 1 "${check[@]}"

# Each first run writes to a new folder, since some file systems are slow at reusing inodes that were just freed.
cat > "$work/fresh" <<SH
#!/bin/sh
exec "$bin" --project "$work/fleet" render --all --out "$work/first/\$\$"
SH
chmod +x "$work/fresh"
for number in 1000 10000; do
    echo "== a fleet of $number: first run, and the same again with nothing to write"
    benches/fleet.sh "$number" "$work/fleet"
    "$bin" --project "$work/fleet" render --all --out "$work/out"
    hyperfine -N --warmup 1 --runs 5 -n first "$work/fresh" -n again "$bin --project $work/fleet render --all --out $work/out"
done
