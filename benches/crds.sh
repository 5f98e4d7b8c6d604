#!/usr/bin/env bash
# usage: benches/crds.sh DIR : writes 400 CustomResourceDefinitions (30 MB) to DIR, and one custom resource to DIR.yaml,
# whose definition (75 kB, like the others) is in the middle
set -euo pipefail
mkdir -p "$1"
awk -v folder="$1" 'BEGIN {
    for (file = 0; file < 400; file++) {
        group = sprintf("group-%02d.example.com", int(file / 20))
        kind = sprintf("Kind%03d", file)
        path = sprintf("%s/%s_%s.yaml", folder, group, tolower(kind))
        printf "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: %ss.%s\nspec:\n  group: %s\n  names:\n    kind: %s\n    listKind: %sList\n    plural: %ss\n    singular: %s\n  scope: Namespaced\n  versions:\n  - name: v1\n    served: true\n    storage: true\n    schema:\n      openAPIV3Schema:\n        type: object\n        properties:\n          spec:\n            type: object\n            properties:\n", tolower(kind), group, group, kind, kind, tolower(kind), tolower(kind) > path
        for (field = 0; field < 220; field++) {
            printf "              field%03d:\n                description: |-\n                  Field of the API group that says which kind of thing this part of the\n                  resource is made of, and what the controller does where it is absent.\n                type: object\n                properties:\n                  name:\n                    type: string\n                    pattern: ^[a-z0-9-]+$\n", field > path
        }
        close(path)
    }
    printf "apiVersion: group-10.example.com/v1\nkind: Kind210\nmetadata: {name: one, namespace: shop}\nspec:\n  field000: {name: web}\n" > (folder ".yaml")
}'
