#!/usr/bin/env bash
# usage: benches/objects.sh N : prints N objects of about 700 bytes: Deployments, Services, ConfigMaps, Secrets,
# Ingresses and CronJobs, in groups of six that refer to each other
set -euo pipefail
awk -v number="$1" 'BEGIN {
    for (i = 0; i < number; i++) {
        app = sprintf("app-%05d", int(i / 6))
        space = sprintf("team-%02d", int(i / 120) % 40)
        head = "metadata:\n  name: " app "\n  namespace: " space "\n  labels:\n    app.kubernetes.io/name: " app "\n    app.kubernetes.io/managed-by: Helm\n    team: " space "\n"
        print "---"
        kind = i % 6
        if (kind == 0) {
            printf "apiVersion: apps/v1\nkind: Deployment\n%sspec:\n  replicas: %d\n  selector:\n    matchLabels:\n      app.kubernetes.io/name: %s\n", head, 1 + i % 4, app
            printf "  template:\n    metadata:\n      labels:\n        app.kubernetes.io/name: %s\n    spec:\n      automountServiceAccountToken: false\n      securityContext:\n        runAsNonRoot: true\n        runAsUser: 1000\n        seccompProfile:\n          type: RuntimeDefault\n", app
            printf "      containers:\n        - name: main\n          image: registry.example.com/%s/%s:v1.%d.0\n          args: [--config=/etc/app/config.yaml, --listen=:8080]\n          ports:\n            - name: http\n              containerPort: 8080\n", space, app, i % 30
            printf "          env:\n            - name: DATABASE_HOST\n              value: db.%s.svc.cluster.local\n            - name: DATABASE_PORT\n              value: \"5432\"\n            - name: DATABASE_PASSWORD\n              valueFrom:\n                secretKeyRef:\n                  name: %s\n                  key: password\n", space, app
            printf "          readinessProbe:\n            httpGet:\n              path: /ready\n              port: http\n            periodSeconds: 5\n          livenessProbe:\n            httpGet:\n              path: /live\n              port: http\n          resources:\n            requests:\n              cpu: 100m\n              memory: 128Mi\n            limits:\n              memory: 256Mi\n          securityContext:\n            allowPrivilegeEscalation: false\n            readOnlyRootFilesystem: true\n            capabilities:\n              drop: [ALL]\n          volumeMounts:\n            - name: config\n              mountPath: /etc/app\n      volumes:\n        - name: config\n          configMap:\n            name: %s\n", app
        } else if (kind == 1) {
            printf "apiVersion: v1\nkind: Service\n%sspec:\n  type: ClusterIP\n  selector:\n    app.kubernetes.io/name: %s\n  ports:\n    - name: http\n      port: 80\n      targetPort: http\n      protocol: TCP\n", head, app
        } else if (kind == 2) {
            printf "apiVersion: v1\nkind: ConfigMap\n%sdata:\n  config.yaml: |\n    server:\n      port: 8080\n      readTimeout: 30s\n    database:\n      host: db.%s.svc.cluster.local\n      port: 5432\n      name: events\n    upstream:\n      url: http://app-%05d.%s.svc:80/api\n    logging:\n      level: info\n      format: json\n", head, space, int(i / 6), space
        } else if (kind == 3) {
            printf "apiVersion: v1\nkind: Secret\n%stype: Opaque\nstringData:\n  password: not-a-real-one-%d\n", head, i
        } else if (kind == 4) {
            printf "apiVersion: networking.k8s.io/v1\nkind: Ingress\n%sspec:\n  ingressClassName: nginx\n  rules:\n    - host: %s.example.com\n      http:\n        paths:\n          - path: /\n            pathType: Prefix\n            backend:\n              service:\n                name: %s\n                port:\n                  name: http\n", head, app, app
        } else {
            printf "apiVersion: batch/v1\nkind: CronJob\n%sspec:\n  schedule: \"%d 3 * * *\"\n  concurrencyPolicy: Forbid\n  jobTemplate:\n    spec:\n      backoffLimit: 2\n      template:\n        spec:\n          restartPolicy: OnFailure\n          containers:\n            - name: clean\n              image: registry.example.com/%s/%s:v1.%d.0\n              command: [/app, clean, --older-than=30d]\n", head, i % 60, space, app, i % 30
        }
    }
}'
